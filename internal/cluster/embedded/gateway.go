package embedded

import "github.com/slipway-dev/slipway/internal/cluster/embedded/gatewaycni"

// GatewayPluginName is the name under which the program is the CNI plugin.
const GatewayPluginName = "slipway-gateway"

// GatewayPlugin is the program when it is started under GatewayPluginName: it serves one CNI
// command and exits with 1 on an error.
func GatewayPlugin() { gatewaycni.Main() }
