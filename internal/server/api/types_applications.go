package api

import "time"

// HealthState is how something is.
type HealthState string

// The states of health. Unknown is never healthy.
const (
	Healthy     HealthState = "healthy"
	Progressing HealthState = "progressing"
	Degraded    HealthState = "degraded"
	Missing     HealthState = "missing"
	Unknown     HealthState = "unknown"
)

// Release is an immutable image with the commit of its manifests.
type Release struct {
	Image     string     `json:"image" doc:"repository, without tag" example:"registry.example.test/payments/orders"`
	Digest    string     `json:"digest" example:"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
	Version   string     `json:"version,omitempty" doc:"a tag, for people"`
	Commit    string     `json:"commit,omitempty" doc:"of the source"`
	Manifests string     `json:"manifests,omitempty" doc:"commit of the manifests"`
	Built     *time.Time `json:"built,omitempty"`
}

// ApplicationSummary is an application in a list.
type ApplicationSummary struct {
	Team        string       `json:"team" example:"payments"`
	Name        string       `json:"name" example:"orders"`
	Title       string       `json:"title,omitempty"`
	Description string       `json:"description,omitempty"`
	Deployments []Deployment `json:"deployments" nullable:"false" doc:"in the order of promotion"`
	// Build is the last one.
	Build *Build `json:"build,omitempty" doc:"the last one"`
}

// Application is an application with everything that its page shows.
type Application struct {
	ApplicationSummary
	Entity     string       `json:"entity,omitempty" doc:"reference in the software catalogue"`
	Repository string       `json:"repository,omitempty" format:"uri"`
	Template   *TemplateRef `json:"template,omitempty" doc:"what it was made from"`
	Created    *time.Time   `json:"created,omitempty"`
	By         *Actor       `json:"by,omitempty"`
	Builds     []Build      `json:"builds" nullable:"false" doc:"the newest first, at most 20"`
	Links      []Link       `json:"links" nullable:"false" doc:"into the platform's tools"`
}

// Deployment is an application in an environment.
type Deployment struct {
	Environment string      `json:"environment" example:"dev"`
	Namespace   string      `json:"namespace" example:"orders-dev"`
	Release     *Release    `json:"release,omitempty"`
	Health      HealthState `json:"health" enum:"healthy,progressing,degraded,missing,unknown"`
	// Reason is the root cause where it is not healthy, Evidence what shows it.
	Reason   string     `json:"reason,omitempty" doc:"the root cause where it is not healthy"`
	Evidence []string   `json:"evidence,omitempty" doc:"what shows the cause"`
	Since    *time.Time `json:"since,omitempty"`
	URL      string     `json:"url,omitempty" format:"uri" doc:"where it answers"`
	Links    []Link     `json:"links,omitempty" doc:"into the platform's tools"`
	// Preview is the pull request that a preview environment is for.
	Preview string `json:"preview,omitempty" format:"uri" doc:"the pull request of a preview environment"`
}

// BuildState is how far a build is.
type BuildState string

// The states of a build.
const (
	BuildPending   BuildState = "pending"
	BuildRunning   BuildState = "running"
	BuildSucceeded BuildState = "succeeded"
	BuildFailed    BuildState = "failed"
	BuildCancelled BuildState = "cancelled"
)

// Build is a run of CI.
type Build struct {
	ID       string     `json:"id"`
	Commit   string     `json:"commit"`
	Branch   string     `json:"branch,omitempty"`
	Title    string     `json:"title,omitempty" doc:"the commit's first line"`
	State    BuildState `json:"state" enum:"pending,running,succeeded,failed,cancelled"`
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
	Reason   string     `json:"reason,omitempty" doc:"why it failed, in one line"`
	Release  *Release   `json:"release,omitempty"`
	Steps    []RunStep  `json:"steps,omitempty"`
}

// NewApplication asks for an application.
type NewApplication struct {
	Name     string         `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" example:"orders"`
	Template TemplateRef    `json:"template"`
	Values   map[string]any `json:"values,omitempty" doc:"the template's parameters"`
}

// NewRun asks for a run of a template.
type NewRun struct {
	Template TemplateRef    `json:"template"`
	Values   map[string]any `json:"values,omitempty" doc:"the template's parameters"`
}

// Values are a template's parameters.
type Values struct {
	Values map[string]any `json:"values,omitempty" doc:"the template's parameters"`
}

// DeleteApplication says what is to stay.
type DeleteApplication struct {
	// KeepRepository leaves the source where it is.
	KeepRepository bool
}

// Deletion is a deletion that has begun.
type Deletion struct {
	Done    bool     `json:"done" doc:"nothing is left of it"`
	Remains []string `json:"remains" nullable:"false" doc:"what is still to go, or will stay"`
}

// LogSource is whose log is meant.
type LogSource string

// The sources of logs.
const (
	RuntimeLogs LogSource = "runtime"
	BuildLogs   LogSource = "build"
)

// LogQuery says which log lines are wanted.
type LogQuery struct {
	Source LogSource
	// Environment and Container narrow run-time logs down, Build names the build.
	Environment, Container, Build string
	// Tail is how many lines of the past; 0 means all there are.
	Tail int
	// Follow stays for what comes.
	Follow bool
}

// LogLine is a line of a log.
type LogLine struct {
	At     *time.Time `json:"at,omitempty"`
	Source string     `json:"source" doc:"pod/container, or the build's step" example:"orders-7d4b9/app"`
	Text   string     `json:"text"`
}

// NewEnvironment asks for an environment.
type NewEnvironment struct {
	Name        string `json:"name" minLength:"1" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" example:"load-test"`
	Description string `json:"description,omitempty" maxLength:"500"`
	// Lifetime is a Go duration, such as "48h"; empty means for ever.
	Lifetime string `json:"lifetime,omitempty" maxLength:"20" pattern:"^([0-9]+(h|m|s))+$" doc:"how long it is to live; absent means for ever" example:"48h"`
}

// Environment is where applications run.
type Environment struct {
	Name string `json:"name" example:"dev"`
	// Team is empty for an environment that is everyone's.
	Team        string      `json:"team,omitempty" doc:"absent for an environment that is everyone's"`
	Description string      `json:"description,omitempty"`
	Namespace   string      `json:"namespace,omitempty" doc:"absent where each application has its own"`
	Governed    bool        `json:"governed" doc:"releases come in by promotion only"`
	Order       int         `json:"order" doc:"place in the pipeline, from 0; -1 outside of it"`
	State       HealthState `json:"state" enum:"healthy,progressing,degraded,missing,unknown"`
	Reason      string      `json:"reason,omitempty"`
	Created     *time.Time  `json:"created,omitempty"`
	By          *Actor      `json:"by,omitempty"`
	Expires     *time.Time  `json:"expires,omitempty"`
	Preview     string      `json:"preview,omitempty" format:"uri" doc:"the pull request that it is for"`
}
