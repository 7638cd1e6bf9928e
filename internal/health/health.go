package health

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/api/v1alpha1"
	"github.com/slipway-dev/slipway/internal/kube"
	"github.com/slipway-dev/slipway/internal/plan"
	"github.com/slipway-dev/slipway/internal/render"
)

// State is how a thing is doing.
type State string

// States, from the best to the worst.
const (
	Ready       State = "ready"
	Progressing State = "progressing"
	Failed      State = "failed"
	Missing     State = "missing"
)

var severity = []State{Ready, Progressing, Failed, Missing}

// worse gives the worse of two states.
func worse(a, b State) State {
	if slices.Index(severity, b) > slices.Index(severity, a) {
		return b
	}
	return a
}

// Unit is what is looked at together.
type Unit struct {
	Name    string
	Objects []*unstructured.Unstructured
	// Ready are conditions beyond kstatus; an empty Target means every object of the unit.
	Ready []v1alpha1.ReadyCheck
	// Vars are in scope of the conditions besides "object".
	Vars map[string]any
}

// UnitHealth is how a unit is doing.
type UnitHealth struct {
	Unit  string `json:"unit"`
	State State  `json:"state"`
	// Reason is that of the worst object, for people; empty where the unit is ready.
	Reason string `json:"reason,omitempty"`
	// Objects are those that are not ready.
	Objects []ObjectHealth `json:"objects,omitempty"`
	// Total is how many objects the unit has.
	Total int `json:"total"`
}

// ObjectHealth is how one object is doing.
type ObjectHealth struct {
	Object kube.ID `json:"object"`
	State  State   `json:"state"`
	Reason string  `json:"reason,omitempty"`
}

// Units gives every unit of a plan with its objects in the tree, in the plan's order.
func Units(p plan.Plan, tree render.Tree) []Unit {
	units := make([]Unit, 0, len(p.Units))
	for _, u := range p.Units {
		unit := Unit{Name: u.Name}
		for _, f := range tree.Unit(u.Name).Files {
			unit.Objects = append(unit.Objects, f.Object)
		}
		if u.Tool != nil {
			unit.Ready = u.Tool.Spec.Ready
		}
		units = append(units, unit)
	}
	return units
}

// summary puts the objects' health together.
func summary(unit Unit, objects []ObjectHealth) UnitHealth {
	h := UnitHealth{Unit: unit.Name, State: Ready, Total: len(unit.Objects)}
	for _, o := range objects {
		if o.State == Ready {
			continue
		}
		h.Objects = append(h.Objects, o)
		if h.Reason == "" || worse(h.State, o.State) != h.State {
			h.Reason = o.Object.String() + ": " + o.Reason
		}
		h.State = worse(h.State, o.State)
	}
	return h
}

// oneLine makes a message fit where one line is shown.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	const longest = 300
	if len(s) > longest {
		s = s[:longest] + "..."
	}
	return s
}
