package supply

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// timings remembers how long work took, so that estimates fit this machine.
type timings struct {
	path string
	mu   sync.Mutex
}

// read gives seconds by recipe and action.
func (t *timings) read() map[string]map[Action]float64 {
	known := map[string]map[Action]float64{}
	if data, err := os.ReadFile(t.path); err != nil || json.Unmarshal(data, &known) != nil {
		return map[string]map[Action]float64{}
	}
	return known
}

// estimate is what the work took last, or what the recipe says of a build.
func (t *timings) estimate(recipe string, a Action, seconds int) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if took, ok := t.read()[recipe][a]; ok {
		return time.Duration(took * float64(time.Second)).Round(time.Second)
	}
	if a == Build {
		return time.Duration(seconds) * time.Second
	}
	return 0
}

// record keeps how long work took. Estimates are a nicety, so a failure here is none of the work's.
func (t *timings) record(recipe string, a Action, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.read()
	if known[recipe] == nil {
		known[recipe] = map[Action]float64{}
	}
	known[recipe][a] = float64(took.Round(100*time.Millisecond)) / float64(time.Second)
	if data, err := json.MarshalIndent(known, "", "  "); err == nil {
		_ = replaceFile(t.path, data)
	}
}
