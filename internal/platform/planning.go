package platform

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/slipway-dev/slipway/internal/deliver"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/progress"
	"github.com/slipway-dev/slipway/internal/render"
)

// driftLimit is how long `plan` asks a running cluster.
const driftLimit = 5 * time.Second

// Plan says what an `up` would do, and does nothing.
func (l *Line) Plan(ctx context.Context) (Changes, error) {
	c := Changes{Plan: l.plan}
	_, missing, err := remembered(l.home, l.Name())
	if err != nil {
		return c, err
	}
	// What asks others runs beside rendering, which only computes.
	var supplies, cluster sync.WaitGroup
	var suppliesErr error
	supplies.Go(func() { suppliesErr = l.supplies(ctx, &c) })
	defer supplies.Wait()
	var client *kube.Client
	if !missing {
		cluster.Go(func() { client = l.running(ctx) })
	}
	defer cluster.Wait()
	tree, err := l.Render(ctx, progress.Discard)
	if err != nil {
		return c, err
	}
	var before render.Tree
	if !missing {
		if before, _, err = l.deliveredTree(tree); err != nil {
			return c, err
		}
	}
	contents, err := l.contentChanges(tree.Contents)
	if err != nil {
		return c, err
	}
	c.Units, c.Files = compare(l.plan, append(tree.Diff(before), contents...), unitsOf(before))
	if cluster.Wait(); client != nil && len(before.Files) > 0 {
		c.Drift, c.DriftUnknown = l.drift(ctx, client, before)
	}
	supplies.Wait()
	return c, suppliesErr
}

// unitsOf gives the names of the units in a tree.
func unitsOf(tree render.Tree) map[string]bool {
	units := map[string]bool{}
	for _, f := range tree.Files {
		if f.Unit != "" {
			units[f.Unit] = true
		}
	}
	return units
}

// supplies adds how each image comes to the store, and what the lock says otherwise.
func (l *Line) supplies(ctx context.Context, c *Changes) error {
	s, err := l.supplier(progress.Discard)
	if err != nil {
		return err
	}
	decisions, err := s.Decide(ctx, l.components())
	if err != nil {
		return err
	}
	for _, d := range decisions {
		c.Images = append(c.Images, ImageChange{Recipe: d.Recipe, Ref: d.Ref, Action: string(d.Action), Reason: d.Reason, Seconds: int(d.Estimate.Seconds())})
	}
	before, err := l.readLock()
	if err != nil || before.Kind == "" {
		return err
	}
	now, err := l.newLock(ctx, decisions)
	if err != nil {
		return err
	}
	for _, m := range before.Compare(now) {
		c.Lock = append(c.Lock, m.Error())
	}
	return nil
}

// running gives a client of the platform's cluster that has asked what kinds there are; nil where
// the cluster does not run.
func (l *Line) running(ctx context.Context) *kube.Client {
	client, err := l.connect()
	if err != nil || !answers(ctx, client) {
		return nil
	}
	_, _ = client.Mapping(schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}) // whoever asks next will say what is wrong
	return client
}

// drift finds what in the running cluster is not as it was delivered. Unknown says why that could
// not be seen.
func (l *Line) drift(ctx context.Context, client *kube.Client, tree render.Tree) (found []deliver.Drift, unknown string) {
	ctx, cancel := context.WithTimeout(ctx, driftLimit)
	defer cancel()
	var known deliver.Same
	memory := l.dir.drift()
	if _, err := readJSON(memory, &known); err != nil {
		known = nil // it only saves time
	}
	found, now, err := deliver.FindDrift(ctx, client, tree, known)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Sprintf("not seen: the cluster did not answer everything within %s", driftLimit)
	}
	if err != nil {
		return nil, "not seen: " + err.Error()
	}
	if !maps.Equal(known, now) {
		_ = writeJSON(memory, now)
	}
	return found, ""
}

// answers says whether anything listens where the API should be, without waiting for long: a
// node that is stopped has no address at all.
func answers(ctx context.Context, c *kube.Client) bool {
	u, err := url.Parse(c.Config.Host)
	if err != nil {
		return false
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	dialer := net.Dialer{Timeout: time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return false
	}
	_ = connection.Close()
	return true
}
