package scaffold

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
)

// Filters are those that Backstage adds to Nunjucks':
// https://backstage.io/docs/features/software-templates/templating-extensions.
func Filters() map[string]nunjucks.Filter {
	return map[string]nunjucks.Filter{
		"parseRepoUrl":   parseRepoURL,
		"parseEntityRef": parseEntityRef,
		"pick":           pick,
		"projectSlug":    projectSlug,
	}
}

// RepoURL is a repository as templates name it: "host?owner=o&repo=r".
type RepoURL struct {
	Host, Owner, Repo string
	// Organization, Workspace and Project are what some forges have instead of, or above, owners.
	Organization, Workspace, Project string
}

// ParseRepoURL reads "host?owner=o&repo=r", and also an address, "https://host/owner/repo.git".
func ParseRepoURL(text string) (RepoURL, error) {
	address := text
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return RepoURL{}, fmt.Errorf("%q does not name a repository; write host?owner=OWNER&repo=NAME", text)
	}
	q := u.Query()
	out := RepoURL{Host: u.Host, Owner: q.Get("owner"), Repo: q.Get("repo"),
		Organization: q.Get("organization"), Workspace: q.Get("workspace"), Project: q.Get("project")}
	if steps := strings.Split(strings.Trim(u.Path, "/"), "/"); out.Repo == "" && len(steps) > 1 {
		out.Owner, out.Repo = steps[len(steps)-2], strings.TrimSuffix(steps[len(steps)-1], ".git")
	}
	if out.Repo == "" {
		return RepoURL{}, fmt.Errorf("%q names no repository: repo= is missing", text)
	}
	return out, nil
}

func parseRepoURL(value any, _ []any) (any, error) {
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("needs a text, found %s", kindOf(value))
	}
	u, err := ParseRepoURL(text)
	if err != nil {
		return nil, err
	}
	out := map[string]any{}
	for key, part := range map[string]string{"host": u.Host, "owner": u.Owner, "repo": u.Repo,
		"organization": u.Organization, "workspace": u.Workspace, "project": u.Project} {
		if part != "" {
			out[key] = part
		}
	}
	return out, nil
}

func projectSlug(value any, _ []any) (any, error) {
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("needs a text, found %s", kindOf(value))
	}
	u, err := ParseRepoURL(text)
	if err != nil {
		return nil, err
	}
	return strings.TrimPrefix(u.Owner+"/"+u.Repo, "/"), nil
}

// parseEntityRef takes "[kind:][namespace/]name" apart.
func parseEntityRef(value any, args []any) (any, error) {
	byDefault := map[string]any{}
	if len(args) > 0 {
		byDefault, _ = args[0].(map[string]any)
	}
	kind, _ := byDefault["defaultKind"].(string)
	namespace, _ := byDefault["defaultNamespace"].(string)
	if namespace == "" {
		namespace = "default"
	}
	if parts, ok := value.(map[string]any); ok {
		return entityParts(parts, kind, namespace)
	}
	text, ok := value.(string)
	if !ok {
		return nil, fmt.Errorf("needs an entity reference, found %s", kindOf(value))
	}
	name := text
	if before, after, found := strings.Cut(name, ":"); found {
		kind, name = before, after
	}
	if before, after, found := strings.Cut(name, "/"); found {
		namespace, name = before, after
	}
	if kind == "" || namespace == "" || name == "" || strings.ContainsAny(name, ":/") {
		return nil, fmt.Errorf("%q is not an entity reference: write [kind:][namespace/]name; "+
			"without a kind, give defaultKind", text)
	}
	return map[string]any{"kind": kind, "namespace": namespace, "name": name}, nil
}

func entityParts(parts map[string]any, kind, namespace string) (any, error) {
	out := map[string]any{"kind": kind, "namespace": namespace}
	for _, key := range []string{"kind", "namespace", "name"} {
		if part, _ := parts[key].(string); part != "" {
			out[key] = part
		}
	}
	if out["name"] == nil || out["kind"] == "" {
		return nil, fmt.Errorf("an entity reference needs a kind and a name")
	}
	return out, nil
}

func pick(value any, args []any) (any, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("needs an object, found %s", kindOf(value))
	}
	if len(args) == 0 {
		return nil, fmt.Errorf("needs the name of a key")
	}
	return m[fmt.Sprint(args[0])], nil
}
