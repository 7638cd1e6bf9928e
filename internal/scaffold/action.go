package scaffold

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Action is something that a step can do. What it cannot do is left nil.
type Action struct {
	// ID is what templates call it, "fetch:template".
	ID          string
	Description string
	// Input is the JSON Schema of its input; "" takes anything.
	Input string
	// Outputs are the names that later steps may use; nil where they are not known beforehand.
	Outputs []string
	// Local says that it touches nothing but the workspace, so that a dry run runs it too.
	Local bool
	// Run does the step once, or goes on with it after an interruption: Call.Made then has what
	// the earlier attempt made, or was about to make. It gives the step's output.
	Run func(ctx context.Context, c *Call) (map[string]any, error)
	// Preview takes the place of Run in a dry run, and touches nothing.
	Preview func(ctx context.Context, c *Call) (map[string]any, error)
	// Undo takes back what a step made; that it is gone already is no error.
	Undo func(ctx context.Context, made Made) error
	// Check finds mistakes that the schema of the input cannot see, when a template is registered.
	Check func(c CheckCall) []Finding
}

// Made is something outside the workspace that a step made.
type Made struct {
	Action string `json:"action"`
	Step   string `json:"step"`
	// Round is which one of a step with "each"; 0 without.
	Round int `json:"round,omitempty"`
	// What is in words what was made: "repository team/shop".
	What string `json:"what"`
	// Detail is what the action needs to take it back.
	Detail map[string]string `json:"detail,omitempty"`
	// Certain is false from just before it is made until that is known to have succeeded.
	Certain bool `json:"certain"`
	// Undone and Remains say what came of it in a failed run.
	Undone  bool `json:"undone,omitempty"`
	Remains bool `json:"remains,omitempty"`
}

// User is who started a run.
type User struct {
	// Ref is the entity reference, "user:default/ada"; Entity the entity as the catalogue has it.
	Ref    string         `json:"ref,omitempty"`
	Entity map[string]any `json:"entity,omitempty"`
}

// Call is one run of an action.
type Call struct {
	RunID string
	// Template is the template's reference, Origin its place.
	Template string
	Origin   Origin
	User     User
	// Owner is who owns what is made where the template does not say: a team, or a user.
	Owner string
	// Step is the step's ID, Round which one of a step with "each".
	Step  string
	Round int
	// Input has its expressions evaluated, and fits the action's schema.
	Input     map[string]any
	Workspace *Workspace
	// Made is what an interrupted attempt of this call made; Earlier what steps before it made.
	Made, Earlier []Made

	log    func(text string)
	record func(ctx context.Context, made []Made) error
}

// Decode reads the input into a struct, by its JSON names.
func (c *Call) Decode(into any) error {
	text, err := json.Marshal(c.Input)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// Logf writes a line of the step's log. Secrets are blotted out.
func (c *Call) Logf(format string, args ...any) { c.log(fmt.Sprintf(format, args...)) }

// Making notes, before it is made, something that would have to be undone; when Making returns, it is
// stored. The number it gives is for Certain and for Withdraw.
func (c *Call) Making(ctx context.Context, what string, detail map[string]string) (int, error) {
	c.Made = append(c.Made, Made{What: what, Detail: detail})
	return len(c.Made) - 1, c.record(ctx, c.Made)
}

// Certain notes that what was announced is made now.
func (c *Call) Certain(ctx context.Context, i int) error {
	c.Made[i].Certain = true
	return c.record(ctx, c.Made)
}

// Withdraw notes that what was announced was not made after all.
func (c *Call) Withdraw(ctx context.Context, i int) error {
	c.Made = slices.Delete(c.Made, i, i+1)
	return c.record(ctx, c.Made)
}

// CheckCall is what an action may look at when a template is registered.
type CheckCall struct {
	// Input is the step's, expressions and all; Path is its field path.
	Input map[string]any
	Path  string
	// Files are those of the template's repository, Dir its folder; Files is nil where they are not at hand.
	Files fs.FS
	Dir   string
	// At makes a finding about a field of the template.
	At func(path, suggestion, message string) Finding
}

// Registry is the set of actions and filters that templates may use.
type Registry struct {
	actions map[string]*registered
	env     *nunjucks.Environment
}

type registered struct {
	Action
	input *schema
	tree  map[string]any
}

// VariableStart begins an expression in a template and in its skeleton.
const VariableStart = "${{"

// NewRegistry makes a registry of actions.
func NewRegistry(actions ...Action) (*Registry, error) {
	r := &Registry{actions: map[string]*registered{},
		env: nunjucks.New(nunjucks.Options{VariableStart: VariableStart, Filters: Filters()})}
	for _, a := range actions {
		if _, twice := r.actions[a.ID]; twice {
			return nil, fmt.Errorf("action %s is registered twice", a.ID)
		}
		entry := &registered{Action: a}
		if a.Input != "" {
			var wrong []problem
			if entry.input, wrong = compileSchema([]byte(a.Input)); wrong != nil {
				at := strings.Join(wrong[0].at, ".")
				return nil, fmt.Errorf("action %s: schema of the input: %s: %s", a.ID, at, wrong[0].message)
			}
			if err := json.Unmarshal([]byte(a.Input), &entry.tree); err != nil {
				return nil, fmt.Errorf("action %s: schema of the input: %w", a.ID, err)
			}
		}
		r.actions[a.ID] = entry
	}
	return r, nil
}

// Actions are the actions there are, by ID.
func (r *Registry) Actions() []Action {
	out := make([]Action, 0, len(r.actions))
	for _, id := range sortedKeys(r.actions) {
		out = append(out, r.actions[id].Action)
	}
	return out
}

// UnknownActionError says that no action has an ID.
type UnknownActionError struct {
	ID string
	// Near is the ID that was probably meant; "" where none comes near.
	Near string
}

// Error names the action.
func (e *UnknownActionError) Error() string { return fmt.Sprintf("no action is called %q", e.ID) }

func (r *Registry) action(id string) (*registered, error) {
	if a, ok := r.actions[id]; ok {
		return a, nil
	}
	return nil, &UnknownActionError{ID: id, Near: spec.Nearest(id, sortedKeys(r.actions))}
}
