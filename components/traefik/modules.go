//go:build modules

// Package modules keeps the modules whose manifests the catalogue uses in go.mod and go.sum.
package modules

import _ "sigs.k8s.io/gateway-api/apis/v1"
