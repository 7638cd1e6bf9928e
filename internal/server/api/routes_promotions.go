package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/slipway-dev/slipway/internal/server/access"
)

// PromotionsQuery narrows the list of promotions down.
type PromotionsQuery struct {
	PageQuery
	Team        string `query:"team" maxLength:"63"`
	Application string `query:"application" maxLength:"63"`
	To          string `query:"to" maxLength:"63" doc:"the environment it goes to"`
	State       string `query:"state" enum:"open,allowed,refused,merged,healthy,failed,rolled back,closed"`
	Waiting     bool   `query:"waiting" doc:"only those that wait for the caller's approval"`
}

// ApplicationBody is an application and a body.
type ApplicationBody[T any] struct {
	InApplication
	Body T
}

// PromotionBody is a promotion and a body.
type PromotionBody[T any] struct {
	InPromotion
	Body T
}

const promotionPath = "/teams/{team}/applications/{application}/promotions"

func (a *API) registerPromotions() {
	back := a.back.Promotions
	g := a.group("promotions", "promotions", back != nil)
	handle(g, route{"GET /promotions", "list-promotions", "List the promotions of one's teams, the newest first",
		http.StatusOK},
		func(ctx context.Context, by access.Principal, in *PromotionsQuery) (List[PromotionSummary], error) {
			q := PromotionQuery{Team: in.Team, Application: in.Application, To: in.To, State: PromotionState(in.State)}
			if in.Waiting {
				q.Waiting = by.Username
			}
			query := []string{q.Team, q.Application, q.To, string(q.State), strconv.FormatBool(in.Waiting)}
			return paged(in.PageQuery, query, func(p Page) (List[PromotionSummary], error) {
				return back.Promotions(ctx, visible(by), q, p)
			})
		})
	handle(g, route{"POST " + promotionPath, "open-promotion", "Ask for a promotion: opens its pull request",
		http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *ApplicationBody[NewPromotion]) (Promotion, error) {
			return back.Open(ctx, actor(by), in.Team, in.Application, in.Body)
		})
	handle(g, route{"GET " + promotionPath + "/{number}", "get-promotion",
		"Show a promotion with its gates and their evidence", http.StatusOK},
		func(ctx context.Context, _ access.Principal, in *InPromotion) (Promotion, error) {
			return back.Promotion(ctx, in.Team, in.Application, in.Number)
		})
	a.registerExceptions()
}

func (a *API) registerExceptions() {
	back := a.back.Exceptions
	g := a.group("promotions", "exceptions to gates", back != nil)
	handle(g, route{"POST " + promotionPath + "/{number}/waivers", "waive-gate",
		"Waive a gate, for a reason and a time", http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *PromotionBody[NewWaiver]) (Promotion, error) {
			return back.Waive(ctx, actor(by), in.Team, in.Application, in.Number, in.Body)
		})
	handle(g, route{"POST " + promotionPath + "/{number}/break-glass", "break-glass",
		"Promote whatever the gates say, for a reason", http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *PromotionBody[NewBreakGlass]) (Promotion, error) {
			return back.BreakGlass(ctx, actor(by), in.Team, in.Application, in.Number, in.Body.Reason)
		})
	handle(g, route{"POST " + promotionPath + "/{number}/break-glass/review", "review-break-glass",
		"Say as a second person whether the glass was rightly broken", http.StatusCreated},
		func(ctx context.Context, by access.Principal, in *PromotionBody[NewReview]) (Promotion, error) {
			return back.Review(ctx, actor(by), in.Team, in.Application, in.Number, in.Body)
		})
}
