// Package policies embeds the policies of gates that Slipway ships. internal/promotion/gate
// reads them.
package policies

import _ "embed"

//go:embed default.yaml
var standard []byte

// Default is the policy that holds where a platform names no other.
func Default() []byte { return standard }

//go:embed changes.yaml
var changes []byte

// Changes is the policy for changes of the gates themselves.
func Changes() []byte { return changes }
