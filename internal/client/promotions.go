package client

import (
	"context"
	"iter"
	"strconv"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// PromotionRef names a promotion.
type PromotionRef struct {
	Team, Application string
	Number            int64
}

func (r PromotionRef) in() []string {
	return []string{r.Team, r.Application, strconv.FormatInt(r.Number, 10)}
}

// Promotions lists promotions, the newest first. Waiting in q asks for those that wait for the caller, whatever it says.
func (c *Client) Promotions(ctx context.Context, q api.PromotionQuery) iter.Seq2[api.PromotionSummary, error] {
	return pages[api.PromotionSummary](ctx, c, call{route: listPromotions, query: values("team", q.Team,
		"application", q.Application, "to", q.To, "state", string(q.State), "waiting", yes(q.Waiting != ""))})
}

// OpenPromotion asks for a promotion.
func (c *Client) OpenPromotion(ctx context.Context, team, application string, n api.NewPromotion) (api.Promotion, error) {
	return get[api.Promotion](ctx, c, call{route: openPromotion, in: []string{team, application}, body: n})
}

// Promotion gives a promotion with its gates.
func (c *Client) Promotion(ctx context.Context, ref PromotionRef) (api.Promotion, error) {
	return get[api.Promotion](ctx, c, call{route: getPromotion, in: ref.in()})
}

// Waive waives a gate.
func (c *Client) Waive(ctx context.Context, ref PromotionRef, w api.NewWaiver) (api.Promotion, error) {
	return get[api.Promotion](ctx, c, call{route: waiveGate, in: ref.in(), body: w})
}

// BreakGlass promotes whatever the gates say.
func (c *Client) BreakGlass(ctx context.Context, ref PromotionRef, reason string) (api.Promotion, error) {
	return get[api.Promotion](ctx, c, call{route: breakGlass, in: ref.in(), body: api.NewBreakGlass{Reason: reason}})
}

// Review is the second person's word on a broken glass.
func (c *Client) Review(ctx context.Context, ref PromotionRef, r api.NewReview) (api.Promotion, error) {
	return get[api.Promotion](ctx, c, call{route: reviewGlass, in: ref.in(), body: r})
}
