//go:build integration && faults

package promotions

import "testing"

// TestPromotion_ConvergesOnARealGitServer lets calls that change something be killed, lost and repeated. It takes
// many minutes, and so has the build tag "faults" besides: go test -tags integration,faults -run ConvergesOnAReal
func TestPromotion_ConvergesOnARealGitServer(t *testing.T) {
	for name, s := range stories {
		t.Run(name, func(t *testing.T) {
			for _, what := range []string{killedBefore, killedAfter, lostAnswer, repeated} {
				w, _, _ := real(t)
				trouble := &trouble{at: -1, what: what, writes: true}
				p := w.server(troubled{w.forge, trouble}, troubledLog{w.log, trouble})
				for trouble.at = 0; ; { // each life meets its trouble a write later than the one before
					s.tell(w, p, trouble)
					if trouble.calls <= trouble.at {
						break
					}
					trouble.at, trouble.calls, trouble.dead = trouble.at+1, 0, false
					p = w.server(troubled{w.forge, trouble}, troubledLog{w.log, trouble})
				}
				p = w.server(w.forge, w.log)
				s.tell(w, p, &forgetting)
				got, err := p.Promotion(t.Context(), team, shop, 1)
				w.must(err)
				if got.State != s.want || w.outcomesOf(p) != s.outcomes {
					t.Errorf("%s: %s: %s; %s", what, got.State, got.Reason, w.outcomesOf(p))
				}
			}
		})
	}
}
