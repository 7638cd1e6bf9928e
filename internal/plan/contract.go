package plan

import (
	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/catalog"
)

// checkContract compares a tool's outputs for a capability with what the contract promises.
func checkContract(tool, capability string, contract v1alpha1.Capability, outputs map[string]any) Errors {
	var errs Errors
	for _, p := range catalog.CheckOutputs(contract, outputs, nil) {
		errs = append(errs, &ContractError{Tool: tool, Capability: capability, Output: p.Output,
			Reason: p.Reason + didYouMean(p.Suggestion)})
	}
	return errs
}
