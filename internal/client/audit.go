package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/slipway-dev/slipway/internal/server/api"
)

// Decisions lists decisions, the newest first.
func (c *Client) Decisions(ctx context.Context, q api.DecisionQuery) iter.Seq2[api.DecisionSummary, error] {
	return pages[api.DecisionSummary](ctx, c, call{route: listDecisions, query: values("team", q.Team, "application",
		q.Application, "environment", q.Environment, "outcome", string(q.Outcome), "subject", q.Subject, "from",
		moment(q.From), "to", moment(q.To))})
}

// Decision gives a decision with the proof that it is in the log.
func (c *Client) Decision(ctx context.Context, index uint64) (api.Decision, error) {
	return get[api.Decision](ctx, c, call{route: getDecision, in: []string{strconv.FormatUint(index, 10)}})
}

// Findings lists what runs or was merged without a decision.
func (c *Client) Findings(ctx context.Context) iter.Seq2[api.Finding, error] {
	return pages[api.Finding](ctx, c, call{route: listFindings})
}

// Running lists the images that run in governed environments.
func (c *Client) Running(ctx context.Context) iter.Seq2[api.RunningImage, error] {
	return pages[api.RunningImage](ctx, c, call{route: listRunning})
}

// Checkpoint gives the log's signed head.
func (c *Client) Checkpoint(ctx context.Context) (api.Checkpoint, error) {
	return get[api.Checkpoint](ctx, c, call{route: getCheckpoint})
}

// Export copies the log, as a bundle, to a writer. The error says so where it came only in part.
func (c *Client) Export(ctx context.Context, q api.ExportQuery, to io.Writer) error {
	k := call{route: exportAudit, query: values("from", moment(q.From), "to", moment(q.To))}
	response, err := c.send(ctx, k)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	own := &ownErrors{to: to}
	n, err := io.Copy(own, response.Body)
	switch {
	case own.err != nil:
		return own.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return c.failed(k, fmt.Errorf("the server broke off after %d bytes", n))
	case err != nil:
		return c.failed(k, cause(ctx, err))
	}
	return nil
}

// ownErrors remembers that it was the writer that failed.
type ownErrors struct {
	to  io.Writer
	err error
}

func (w *ownErrors) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	w.err = err
	return n, err
}

// TestPolicy replays past promotions against changed gates.
func (c *Client) TestPolicy(ctx context.Context, t api.PolicyTest) (api.PolicyReport, error) {
	return get[api.PolicyReport](ctx, c, call{route: testPolicy, body: t})
}

// ProposeGates asks for a change of gates.
func (c *Client) ProposeGates(ctx context.Context, n api.NewGatesChange) (api.GatesChange, error) {
	return get[api.GatesChange](ctx, c, call{route: proposeGates, body: n})
}

// GatesChanges lists changes of gates, the newest first.
func (c *Client) GatesChanges(ctx context.Context) iter.Seq2[api.GatesChangeSummary, error] {
	return pages[api.GatesChangeSummary](ctx, c, call{route: listGates})
}

// GatesChange gives a change of gates, with the gates that it has to pass.
func (c *Client) GatesChange(ctx context.Context, number int64) (api.GatesChange, error) {
	return get[api.GatesChange](ctx, c, call{route: getGates, in: []string{strconv.FormatInt(number, 10)}})
}
