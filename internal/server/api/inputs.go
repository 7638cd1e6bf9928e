package api

// Inputs that several routes share. They are exported because huma looks into embedded structs only
// where they are.

// InTeam is the team of the path.
type InTeam struct {
	Team string `path:"team" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"the team" example:"payments"`
}

// InApplication is the application of the path.
type InApplication struct {
	InTeam
	Application string `path:"application" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"the application" example:"orders"`
}

// InEnvironment is the environment of the path.
type InEnvironment struct {
	InTeam
	Environment string `path:"environment" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"the environment" example:"dev"`
}

// InPromotion is the promotion of the path.
type InPromotion struct {
	InApplication
	Number int64 `path:"number" minimum:"1" doc:"number of the promotion"`
}

// InTemplate is the template of the path.
type InTemplate struct {
	Namespace string `path:"namespace" maxLength:"63" pattern:"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" doc:"the template's namespace" example:"default"`
	Name      string `path:"name" maxLength:"63" pattern:"^[A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?$" doc:"the template's name" example:"go-service"`
}

func (i InTemplate) ref() TemplateRef { return TemplateRef(i) }

// InRun is the run of the path.
type InRun struct {
	InTeam
	Run string `path:"run" maxLength:"100" pattern:"^[-_.A-Za-z0-9]+$" doc:"the run"`
}

// Body is an input that is nothing but a body.
type Body[T any] struct{ Body T }

// TeamBody is a team and a body.
type TeamBody[T any] struct {
	InTeam
	Body T
}
