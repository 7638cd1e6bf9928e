package gitea

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/slipway-dev/slipway/internal/app/forge"
	"github.com/slipway-dev/slipway/internal/fault"
)

func TestForge_WhatTheServerCannotNowIsUnavailable(t *testing.T) {
	r := forge.Repository{Owner: "shop", Name: "orders"}
	for status, want := range map[int]error{500: fault.ErrUnavailable, 502: fault.ErrUnavailable, 404: forge.ErrNotFound, 403: forge.ErrForbidden} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if _, err := New(Access{URL: server.URL}).Head(t.Context(), r, "main"); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
		server.Close()
		if _, err := New(Access{URL: server.URL}).Repository(t.Context(), r); !errors.Is(err, fault.ErrUnavailable) {
			t.Errorf("no server: %v", err)
		}
	}
}
