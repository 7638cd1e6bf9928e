package api

import (
	"strings"
	"time"
)

// EntityRef names an entity of the software catalogue as Backstage's references do
// (kind:namespace/name).
type EntityRef struct{ Kind, Namespace, Name string }

// String is "kind:namespace/name" in lower case.
func (r EntityRef) String() string { return strings.ToLower(r.Kind + ":" + r.Namespace + "/" + r.Name) }

// EntityQuery narrows a list of entities down; empty fields do not.
type EntityQuery struct {
	Kind, Type, Namespace, Owner, System, Lifecycle, Tag string
	// Text is looked for in names, titles and descriptions.
	Text string
}

// EntitySummary is an entity in a list.
type EntitySummary struct {
	Ref         string   `json:"ref" doc:"kind:namespace/name" example:"component:default/orders"`
	Kind        string   `json:"kind" example:"Component"`
	Namespace   string   `json:"namespace" example:"default"`
	Name        string   `json:"name" example:"orders"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"type,omitempty" example:"service"`
	Lifecycle   string   `json:"lifecycle,omitempty" example:"production"`
	Owner       string   `json:"owner,omitempty" doc:"reference of the owner" example:"group:default/payments"`
	System      string   `json:"system,omitempty" doc:"reference of the system it is part of"`
	Tags        []string `json:"tags" nullable:"false"`
	// Errors is how many things are wrong with it.
	Errors int `json:"errors" doc:"how many things are wrong with it; the entity itself says which"`
}

// Entity is an entity as its catalog-info.yaml describes it, with what the catalogue knows besides.
type Entity struct {
	Ref        string         `json:"ref" doc:"kind:namespace/name" example:"component:default/orders"`
	APIVersion string         `json:"apiVersion" example:"backstage.io/v1alpha1"`
	Kind       string         `json:"kind" example:"Component"`
	Metadata   EntityMetadata `json:"metadata"`
	Spec       map[string]any `json:"spec" nullable:"false" doc:"as the entity's kind defines it"`
	Relations  []Relation     `json:"relations" nullable:"false"`
	Errors     []EntityError  `json:"errors" nullable:"false" doc:"what is wrong with it"`
	Source     *Source        `json:"source,omitempty" doc:"the file that describes it"`
}

// EntityMetadata is an entity's name and what is known of it whatever its kind.
type EntityMetadata struct {
	Name        string            `json:"name"`
	Namespace   string            `json:"namespace"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Links       []Link            `json:"links,omitempty"`
}

// Link is a page about something.
type Link struct {
	URL   string `json:"url" format:"uri"`
	Title string `json:"title,omitempty"`
	Icon  string `json:"icon,omitempty"`
	Type  string `json:"type,omitempty"`
}

// Relation is from an entity to another.
type Relation struct {
	Type   string `json:"type" example:"ownedBy"`
	Target string `json:"target" doc:"reference of the other entity" example:"group:default/payments"`
	// Missing says that the catalogue has no such entity.
	Missing bool `json:"missing,omitempty" doc:"the catalogue has no such entity"`
}

// EntityError is something wrong with an entity.
type EntityError struct {
	Message string `json:"message"`
	Path    string `json:"path,omitempty" doc:"the field" example:"spec.owner"`
	Line    int    `json:"line,omitempty" doc:"in the file that describes it"`
}

// Source is a file in a repository.
type Source struct {
	Repository string `json:"repository" example:"payments/orders"`
	Path       string `json:"path" example:"catalog-info.yaml"`
	Commit     string `json:"commit,omitempty"`
	URL        string `json:"url,omitempty" format:"uri"`
}

// NewRegistration asks for a file of entities to be taken into the catalogue.
type NewRegistration struct {
	Address string `json:"address" format:"uri" maxLength:"1000" doc:"the file on the platform's Git server, as its pages show it" example:"https://git.dev.localhost/payments/templates/src/branch/main/catalog-info.yaml"`
}

// Registration is a file that the catalogue reads, now and as it changes.
type Registration struct {
	Address  string   `json:"address" format:"uri"`
	Entities []string `json:"entities" nullable:"false" doc:"references of what it defines" example:"template:default/go-service"`
	// Warnings keep nothing from being used.
	Warnings []EntityError `json:"warnings" nullable:"false" doc:"what is wrong with its templates, but keeps none from running"`
}

// SearchHit is an entity that a search found.
type SearchHit struct {
	Entity EntitySummary `json:"entity"`
	// Excerpt is text around what was found.
	Excerpt string `json:"excerpt,omitempty" doc:"plain text around what was found"`
}

// Graph is entities and the relations between them.
type Graph struct {
	Root      string          `json:"root" doc:"reference"`
	Nodes     []EntitySummary `json:"nodes" nullable:"false"`
	Edges     []GraphEdge     `json:"edges" nullable:"false"`
	Truncated bool            `json:"truncated" doc:"there are more nodes than one answer holds"`
}

// GraphEdge is a relation between two nodes.
type GraphEdge struct {
	From string `json:"from" doc:"reference"`
	To   string `json:"to" doc:"reference"`
	Type string `json:"type" example:"dependsOn"`
}

// TemplateRef names a template.
type TemplateRef struct {
	Namespace string `json:"namespace" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" example:"default"`
	Name      string `json:"name" maxLength:"63" pattern:"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$" example:"go-service"`
}

// TemplateSummary is a template in a list.
type TemplateSummary struct {
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Type        string   `json:"type,omitempty" example:"service"`
	Owner       string   `json:"owner,omitempty" doc:"reference"`
	Tags        []string `json:"tags" nullable:"false"`
	// Errors are why it cannot be run.
	Errors []EntityError `json:"errors" nullable:"false" doc:"why it cannot be run; empty where it can"`
}

// Template is a template with what a form for it needs.
type Template struct {
	TemplateSummary
	// Parameters are JSON Schemas with ui: hints, one a page of the form, as the template has them.
	Parameters []map[string]any `json:"parameters" nullable:"false" doc:"JSON Schemas with ui: hints, one a page of the form"`
	Steps      []TemplateStep   `json:"steps" nullable:"false"`
	Source     *Source          `json:"source,omitempty"`
}

// TemplateStep is what a run will do.
type TemplateStep struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Action string `json:"action" example:"fetch:template"`
}

// DryRun is what a run would make.
type DryRun struct {
	Steps  []RunStep      `json:"steps" nullable:"false"`
	Files  []DryRunFile   `json:"files" nullable:"false"`
	Output map[string]any `json:"output,omitempty"`
	Log    []string       `json:"log" nullable:"false"`
}

// DryRunFile is a file that a run would write.
type DryRunFile struct {
	Path       string `json:"path"`
	Executable bool   `json:"executable,omitempty"`
	Size       int    `json:"size" doc:"bytes"`
	// Content is empty where Binary.
	Content string `json:"content,omitempty" doc:"the text; absent where binary"`
	Binary  bool   `json:"binary,omitempty"`
}

// RunState is how far a run is.
type RunState string

// The states of a run, and of its steps.
const (
	RunPending   RunState = "pending"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunSkipped   RunState = "skipped"
)

// Run is a run of a template.
type Run struct {
	ID       string         `json:"id"`
	Team     string         `json:"team"`
	Template TemplateRef    `json:"template"`
	State    RunState       `json:"state" enum:"pending,running,succeeded,failed"`
	By       Actor          `json:"by"`
	Created  time.Time      `json:"created"`
	Finished *time.Time     `json:"finished,omitempty"`
	Steps    []RunStep      `json:"steps" nullable:"false"`
	Output   map[string]any `json:"output,omitempty" doc:"what the template outputs: links, text"`
	Error    string         `json:"error,omitempty" doc:"why it failed"`
	Hint     string         `json:"hint,omitempty" doc:"the next step"`
	// Remains is what a failed run made and could not undo.
	Remains []string `json:"remains,omitempty" doc:"what a failed run made and could not undo"`
	// Application is the name of the application that it makes.
	Application string `json:"application,omitempty"`
}

// RunStep is a step of a run.
type RunStep struct {
	TemplateStep
	State    RunState   `json:"state" enum:"pending,running,succeeded,failed,skipped"`
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
	Error    string     `json:"error,omitempty"`
}

// RunEvent is something that happens in a run.
type RunEvent struct {
	// ID grows from event to event.
	ID    string    `json:"id"`
	At    time.Time `json:"at"`
	Step  string    `json:"step,omitempty" doc:"the step's ID; absent for the run as a whole"`
	State RunState  `json:"state,omitempty" enum:"pending,running,succeeded,failed,skipped" doc:"the new state, where it changed"`
	Line  string    `json:"line,omitempty" doc:"a line of the log"`
}
