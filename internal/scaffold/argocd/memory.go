package argocd

import (
	"context"
	"sync"

	"github.com/slipway-dev/slipway/internal/scaffold"
)

// MemoryDelivery is a delivery for tests.
type MemoryDelivery struct {
	mu           sync.Mutex
	Applications map[string]Application
}

// Exists says whether there is an application of a name.
func (m *MemoryDelivery) Exists(_ context.Context, name string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.Applications[name]
	return ok, nil
}

// Create notes an application.
func (m *MemoryDelivery) Create(_ context.Context, a Application, _ scaffold.User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Applications == nil {
		m.Applications = map[string]Application{}
	}
	if _, ok := m.Applications[a.Name]; ok {
		return ErrExists
	}
	m.Applications[a.Name] = a
	return nil
}

// Delete forgets an application.
func (m *MemoryDelivery) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.Applications, name)
	return nil
}
