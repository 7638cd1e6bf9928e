// Package nodeconf says how a node's programs are configured: from a Spec it computes every file
// and every command line. It reads and starts nothing, so all of it is tested by comparison.
package nodeconf

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"

	"github.com/slipway-dev/slipway/api/v1alpha1"
)

// Spec is all that a node's configuration depends on.
type Spec struct {
	Name   string `json:"name"`
	Domain string `json:"domain"`
	// Dir is the state directory, BinDir holds Kubernetes' programs, Store the images.
	Dir    Layout `json:"dir"`
	BinDir string `json:"binDir"`
	Store  string `json:"store"`
	// Build identifies the programs in BinDir, so that new ones lead to a restart.
	Build string `json:"build"`
	// Version of Kubernetes ("v1.34.3").
	Version string `json:"version"`

	// Listen:Port on the host is forwarded to NodePort of the node.
	Listen   string `json:"listen"`
	Port     int    `json:"port"`
	NodePort int    `json:"nodePort"`
	// Subnet joins host and node; HostIP and NodeIP are its two addresses.
	Subnet netip.Prefix `json:"subnet"`
	HostIP netip.Addr   `json:"hostIP"`
	NodeIP netip.Addr   `json:"nodeIP"`

	PodCIDR         netip.Prefix   `json:"podCIDR"`
	ServiceCIDR     netip.Prefix   `json:"serviceCIDR"`
	DNSIP           netip.Addr     `json:"dnsIP"`
	GatewayIP       netip.Addr     `json:"gatewayIP"`
	LoopbackGateway bool           `json:"loopbackGateway"`
	Proxy           v1alpha1.Proxy `json:"proxy"`
	// Mirrors maps a registry's host to the host, and optional path, that stands in for it.
	Mirrors map[string]string `json:"mirrors,omitempty"`

	// RestrictOOMScore is set where the process may not lower OOM scores (no CAP_SYS_RESOURCE).
	RestrictOOMScore bool `json:"restrictOOMScore"`
}

// Program is the path of one of Kubernetes' programs.
func (s Spec) Program(name string) string { return s.BinDir + "/" + name }

// APIServer is the API server's URL, the same on the host and in the node.
func (s Spec) APIServer() string { return "https://" + s.NodeIP.String() + ":6443" }

// CgroupRoot is the cgroup below which all pods run.
func (s Spec) CgroupRoot() string { return "/slipway/" + s.Name }

// Digest changes whenever the running node has to be started anew.
func (s Spec) Digest() string {
	b, err := json.Marshal(struct {
		Spec  Spec
		Files []File
		Parts []Command
	}{s, s.Files(), s.Commands()})
	if err != nil {
		panic(err) // plain data always marshals
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}
