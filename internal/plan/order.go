package plan

import (
	"maps"
	"slices"
)

// foundation are the capabilities without which nothing runs on a cluster.
var foundation = []string{"cluster", "dns", "storage", "gateway", "certificates"}

// handOver are the capabilities that take over: until they stand, Slipway applies.
var handOver = []string{"delivery", "git"}

// graph says which tools must be ready before each tool.
type graph map[string][]string

// dependencies are the edges from each chosen tool to those that provide what it requires;
// optional requirements count where the capability is there.
func (ch *chooser) dependencies() graph {
	g := graph{}
	for _, tool := range ch.chosen {
		if _, done := g[tool]; done {
			continue
		}
		after := []string{}
		for _, r := range ch.catalog.Tools[tool].Spec.Requires {
			if provider, ok := ch.chosen[r.Capability]; ok && provider != tool {
				after = append(after, provider)
			}
		}
		slices.Sort(after)
		g[tool] = slices.Compact(after)
	}
	return g
}

// closure is the given tools and everything they need, directly or not.
func (g graph) closure(tools []string) map[string]bool {
	in := map[string]bool{}
	for queue := tools; len(queue) > 0; queue = queue[1:] {
		if tool := queue[0]; !in[tool] {
			in[tool] = true
			queue = append(slices.Clone(queue), g[tool]...)
		}
	}
	return in
}

// order gives the tools so that each stands after what it needs: those in early first, then by
// name as far as needs allow. Where that is impossible it gives one circle for each group of
// tools that require each other.
func (g graph) order(early map[string]bool) ([]string, Errors) {
	done := map[string]bool{}
	var out []string
	for len(out) < len(g) {
		next := g.next(done, early)
		if next == "" {
			return nil, g.circles(done)
		}
		done[next] = true
		out = append(out, next)
	}
	return out, nil
}

// next is the first tool, in the order wanted, whose needs are all met; "" where there is none.
func (g graph) next(done, early map[string]bool) string {
	best := ""
	for tool, after := range g {
		if done[tool] || slices.ContainsFunc(after, func(t string) bool { return !done[t] }) {
			continue
		}
		if best == "" || early[tool] && !early[best] || early[tool] == early[best] && tool < best {
			best = tool
		}
	}
	return best
}

// circles finds the circles among the tools that could not be ordered.
func (g graph) circles(done map[string]bool) Errors {
	var errs Errors
	seen := map[string]bool{}
	for _, start := range slices.Sorted(maps.Keys(g)) {
		if done[start] || seen[start] {
			continue
		}
		path := []string{start}
		for {
			tool := path[len(path)-1]
			if i := slices.Index(path, tool); i < len(path)-1 {
				errs = append(errs, &CycleError{Tools: fromSmallest(path[i:])})
				break
			}
			if seen[tool] {
				break
			}
			seen[tool] = true
			// A tool that is left over waits for another that is left over.
			path = append(path, g[tool][slices.IndexFunc(g[tool], func(t string) bool { return !done[t] })])
		}
	}
	return errs
}

// fromSmallest turns a circle (its first tool at the end again) so that it begins with the
// smallest name.
func fromSmallest(circle []string) []string {
	ring := circle[:len(circle)-1]
	i := slices.Index(ring, slices.Min(ring))
	out := slices.Concat(ring[i:], ring[:i])
	return append(out, out[0])
}
