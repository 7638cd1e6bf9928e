package plan

import (
	"strconv"

	"github.com/slipway-dev/slipway/internal/expr"
)

// scheme is how every tool is reached.
const scheme = "https"

// Scope is what expressions in a unit's manifests see: platform, tool, values, inputs, outputs.
func Scope(p Plan, u Unit) (*expr.Scope, error) { return expr.New(Vars(p, u)) }

// Vars are the variables of [Scope], for those that add some of their own.
func Vars(p Plan, u Unit) map[string]any {
	return map[string]any{
		"platform": platformVars(p),
		"tool":     map[string]any{"name": u.Name, "version": u.Version, "namespace": u.Namespace},
		"values":   orEmpty(u.Values),
		"inputs":   nested(u.Inputs),
		"outputs":  nested(u.Outputs),
	}
}

func platformVars(p Plan) map[string]any {
	s := p.Platform.Spec
	return map[string]any{
		"name": p.Name, "domain": p.Domain,
		"scheme": scheme, "port": p.Environment.Port, "portSuffix": PortSuffix(p.Environment.Port),
		"provider":  p.Environment.Provider,
		"gatewayIP": p.Environment.GatewayIP, "gatewayNodePort": p.Environment.GatewayNodePort,
		"dnsIP": p.Environment.DNSIP, "nameservers": p.Environment.Nameservers,
		"podCIDR": p.Environment.PodCIDR, "serviceCIDR": p.Environment.ServiceCIDR,
		"volumesDir": p.Environment.VolumesDir,
		"proxy":      map[string]any{"http": s.Proxy.HTTP, "https": s.Proxy.HTTPS, "no": s.Proxy.No},
		"trust":      map[string]any{"caBundles": s.Trust.CABundles},
	}
}

// PortSuffix is what follows the host in a URL: "" for HTTPS's own port, else ":PORT".
func PortSuffix(port int) string {
	if port == 443 || port == 0 {
		return ""
	}
	return ":" + strconv.Itoa(port)
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

func nested(m map[string]map[string]any) map[string]any {
	out := make(map[string]any, len(m))
	for name, values := range m {
		out[name] = orEmpty(values)
	}
	return out
}
