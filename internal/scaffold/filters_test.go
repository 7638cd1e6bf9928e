package scaffold

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slipway-dev/slipway/internal/scaffold/nunjucks"
)

func TestFilters(t *testing.T) {
	env := nunjucks.New(nunjucks.Options{VariableStart: VariableStart, Filters: Filters()})
	for expression, want := range map[string]any{
		`'github.com?owner=o&repo=r' | parseRepoUrl`:                          map[string]any{"host": "github.com", "owner": "o", "repo": "r"},
		`'git.local:8443/gitea?repo=r' | parseRepoUrl`:                        map[string]any{"host": "git.local:8443", "repo": "r"},
		`'dev.azure.com?organization=a&project=p&repo=r' | parseRepoUrl`:      map[string]any{"host": "dev.azure.com", "organization": "a", "project": "p", "repo": "r"},
		`'https://git.local/o/r.git' | parseRepoUrl`:                          map[string]any{"host": "git.local", "owner": "o", "repo": "r"},
		`('h?owner=o&repo=r' | parseRepoUrl).owner`:                           "o",
		`'h?owner=o&repo=r' | parseRepoUrl | pick('repo')`:                    "r",
		`'h?owner=o&repo=r' | projectSlug`:                                    "o/r",
		`'group:team/a' | parseEntityRef`:                                     map[string]any{"kind": "group", "namespace": "team", "name": "a"},
		`'component:a' | parseEntityRef | pick('namespace')`:                  "default",
		`'a' | parseEntityRef({defaultKind: 'group', defaultNamespace: 'n'})`: map[string]any{"kind": "group", "namespace": "n", "name": "a"},
		`{kind: 'k', name: 'n'} | parseEntityRef | pick('kind')`:              "k",
		`{a: 1} | pick('b')`:                                                  nil,
	} {
		parsed, err := env.Parse("t", "${{ "+expression+" }}")
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := parsed.Value(context.Background(), nil)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", expression, err, diff)
		}
	}
	for _, expression := range []string{`5 | parseRepoUrl`, `'host' | parseRepoUrl`, `'://' | parseRepoUrl`, `'a' | parseEntityRef`, `'k:a/b/c' | parseEntityRef`,
		`5 | parseEntityRef`, `{name: 'n'} | parseEntityRef`, `'a' | pick('b')`, `{} | pick`, `5 | projectSlug`, `'h?owner=o' | projectSlug`} {
		parsed, err := env.Parse("t", "${{ "+expression+" }}")
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := parsed.Value(context.Background(), nil); err == nil {
			t.Errorf("%s is %v", expression, got)
		}
	}
}
