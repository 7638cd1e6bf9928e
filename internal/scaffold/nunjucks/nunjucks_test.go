package nunjucks

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var backstage = Options{VariableStart: "${{"}

func TestValue_KeepsTheType(t *testing.T) {
	values := map[string]any{"p": map[string]any{"yes": true, "count": int64(3), "half": 0.5, "list": []any{int64(1), "a"},
		"object": map[string]any{"k": nil}, "text": "x", "empty": "", "huge": math.MaxFloat64}}
	for template, want := range map[string]any{
		"${{ p.yes }}":                      true,
		"${{ p.count }}":                    int64(3),
		"${{ p.half }}":                     0.5,
		"${{ p.list }}":                     []any{int64(1), "a"},
		"${{ p.object }}":                   map[string]any{"k": nil},
		"${{ p.text }}":                     "x",
		"${{ p.empty }}":                    "",
		"${{ p.huge }}":                     math.MaxFloat64,
		"${{ null }}":                       nil,
		"${{ 0 / 0 }}":                      nil,
		"${{ [p.missing, 2] }}":             []any{nil, int64(2)},
		"${{ {a: p.missing, b: p.yes} }}":   map[string]any{"b": true},
		"${{ p.count > 2 and p.object.k }}": nil,
		"{# why #}${{ p.count + 1 }}":       int64(4),
	} {
		parsed, err := New(backstage).Parse("test", template)
		if err != nil || !parsed.IsExpression() {
			t.Fatalf("%s: %v", template, err)
		}
		got, defined, err := parsed.Value(context.Background(), values)
		if err != nil || !defined {
			t.Errorf("%s: %v, defined %t", template, err, defined)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", template, diff)
		}
	}
	for _, template := range []string{"${{ p.missing }}", "${{ p.missing.deeper }}", "${{ undefined }}", "${{ range }}"} {
		parsed, err := New(backstage).Parse("test", template)
		if err != nil {
			t.Fatal(err)
		}
		if got, defined, err := parsed.Value(context.Background(), values); defined || err != nil {
			t.Errorf("%s is %v, %v", template, got, err)
		}
	}
	for _, template := range []string{"a ${{ p.yes }}", "${{ p.yes }}${{ p.yes }}", "plain", "", "{% if p.yes %}x{% endif %}"} {
		if parsed, err := New(backstage).Parse("test", template); err != nil || parsed.IsExpression() {
			t.Errorf("%q is taken for one expression (%v)", template, err)
		}
	}
}

func TestErrors_SayWhere(t *testing.T) {
	for template, want := range map[string]string{
		"a\nb ${{ x | uper }}":   `t:2:11: no filter is called "uper"`,
		"${{ x is strng }}":      `t:1:10: no test is called "strng"`,
		"é ${{ f.g(1) }}":        `t:1:10: f.g cannot be called: it is undefined`,
		"{% if x %}\n":           `t:2:1: the template ends here, but {% elif %} or {% elseif %} or {% else %} or {% endif %} is missing`,
		"{% include 'secret' %}": `t:1:4: {% include %} is not available: a template cannot read other files`,
		"{% fro x %}":            `t:1:4: no tag is called "fro"`,
		"x\n{# never":            `t:2:1: this comment has no end; "{#" begins a comment, write {% raw %} around text that holds it`,
		"${{ 'a }}":              `t:1:5: this string has no end`,
		"${{ a b }}":             `t:1:7: expected "}}", found "b"`,
		"${{ a.b":                `t:1:8: expected "}}", found the end of the template`,
		"${{ a. }}":              `t:1:8: expected a name after the dot, found "}}"`,
		"${{ () }}":              `t:1:5: nothing stands between these parentheses`,
		"${{ [1, }}":             `t:1:9: expected a value, found "}}"`,
		"${{ {1: 2} }}":          `t:1:6: a key must be a name or a string, found "1"`,
		"${{ r/(?=x)/ }}":        "t:1:5: the regular expression cannot be used: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
		"${{ 'a' | batch }}":     `t:1:11: batch: needs a list, found the string "a"`,
		"${{ 1 in 2 }}":          `t:1:5: cannot use "in" to search in the number 2`,
		"{% raw %}x":             `t:1:4: {% raw %} has no {% endraw %}`,
		"${{ {a: 1} | upper }}":  `t:1:14: upper: needs a text, found an object`,
		"{% macro m() %}${{ m() }}{% endmacro %}${{ m() }}": `t:1:21: macros call each other more than 100 levels deep`,
		"${{ " + strings.Repeat("(", 500) + "1":             "t:1:105: nested more than 100 levels deep",
		"${{ 1" + strings.Repeat("+1", 5000) + " }}":        "t:1:5: more than 1000 operators in a row",
	} {
		_, err := render(backstage, template, nil)
		var wrong *Error
		if !errors.As(err, &wrong) {
			t.Errorf("%.60q: %v is not an *Error", template, err)
			continue
		}
		wrong.Name = "t"
		if got := wrong.Error(); got != want {
			t.Errorf("%.60q\n got: %s\nwant: %s", template, got, want)
		}
	}
}

func TestUnknownNames_CanBeTakenOutOfErrors(t *testing.T) {
	_, err := render(backstage, "${{ 1 | uper }}", nil)
	var unknown *UnknownError
	if !errors.As(err, &unknown) || unknown.Kind != "filter" || unknown.Name != "uper" || len(unknown.Known) < 40 {
		t.Errorf("%#v", err)
	}
}

// Templates that would run for ever, or fill the memory, stop at the limits.
func TestLimits(t *testing.T) {
	for _, template := range []string{
		"{% for a in range(1000000000) %}x{% endfor %}",
		"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
		"${{ 'x'.repeat(2000000000) }}",
		"${{ 'x'.padStart(2000000000) }}",
		"${{ 'x' | center(2000000000) }}",
		"${{ 'x\nx' | indent(2000000000) }}",
		"${{ [1] | batch(2000000000, 'x') }}",
		"${{ [1] | slice(2000000000) }}",
		"{% set s = 'xxxxxxxxxx' %}{% for i in range(40) %}{% set s = s ~ s %}{% endfor %}${{ s }}",
		"{% set s = 'xxxxxxxxxx' %}{% for i in range(40) %}{% set s = s | replace('x', 'xxxxxxxxxx') %}{% endfor %}",
		"{% set s = 'xxxxxxxxxx' %}{% for i in range(40) %}{% set s = s | replace(r/x/g, 'xxxxxxxxxx') %}{% endfor %}",
		"{% set l = [1] %}{% for i in range(60) %}{% set l = [l, l] %}{% endfor %}${{ l }}",
		"{% set l = [1] %}{% for i in range(60) %}{% set l = [l, l] %}{% endfor %}${{ l | dump }}",
		"{% set l = [1] %}{% for i in range(60) %}{% set l = l.concat(l) %}{% endfor %}",
		"{% set l = [1] %}${{ l.push(l) }}${{ l.push(l) }}${{ l | dump }}",
		"{% set l = ['a'] %}{% for i in range(30) %}{% set l = [l.join('') ~ l.join('')] %}{% endfor %}",
		"{% macro m(n) %}{% if n %}${{ m(n - 1) }}${{ m(n - 1) }}{% endif %}{% endmacro %}${{ m(50) }}",
		"${{ range(0, 1, 0.0000000001) | length }}",
		"${{ 'x'.split('').concat(range(10000000)) | sort }}",
	} {
		options := backstage
		options.Limits = Limits{Steps: 200_000, Bytes: 8 << 20}
		out, err := render(options, template, nil)
		if err == nil {
			t.Errorf("%s: gives %d bytes", template, len(out))
		}
	}
	parsed, err := New(backstage).Parse("t", "{% set l = [1] %}${{ l.push(l) }}${{ l.push(l) }}${{ l }}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Render(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "MiB") {
		t.Errorf("a list that holds itself twice: %v", err)
	}
}

func TestRender_StopsWithTheContext(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	parsed, err := New(backstage).Parse("t", "{% for a in range(5000) %}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parsed.Render(ctx, nil); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

func TestValues_OfOtherTypesAreRefused(t *testing.T) {
	if _, err := render(backstage, "${{ x }}", map[string]any{"x": struct{}{}}); err == nil {
		t.Error("a struct is taken")
	}
}

func TestFilters_OfGoValues(t *testing.T) {
	options := backstage
	options.Filters = map[string]Filter{
		"describe": func(v any, args []any) (any, error) { return fmt.Sprintf("%T %v", v, args), nil },
		"broken":   func(any, []any) (any, error) { return nil, errors.New("not today") },
	}
	got, err := render(options, "${{ [1] | describe('a', {b: 2}) }} ${{ x | describe }}", nil)
	if want := "[]interface {} [a map[b:2]] <nil> []"; err != nil || got != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := render(options, "${{ 1 | broken }}", nil); err == nil || err.Error() != "test:1:9: broken: not today" {
		t.Errorf("%v", err)
	}
}

func TestReferences(t *testing.T) {
	parsed, err := New(backstage).Parse("t", `${{ steps['fetch-it'].output.x | lower }}
{% set mine = parameters.name.split('/')[0] %}${{ mine }}{% for i in parameters.list %}${{ i.x }}${{ loop.index }}{% endfor %}
{% if each.value is defined and user.entity[parameters.key].z %}${{ range(3) }}{% endif %}`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, ref := range parsed.References() {
		got = append(got, fmt.Sprintf("%d:%d %s %s %t", ref.Line, ref.Column, ref.Kind, strings.Join(ref.Path, ","), ref.Called))
	}
	want := []string{
		"1:5 name steps,fetch-it,output,x false", "1:34 filter lower false",
		"2:15 name parameters,name,split true",
		"2:70 name parameters,list false",
		"3:7 name each,value false", "3:21 test defined false",
		"3:45 name parameters,key false", "3:33 name user,entity false",
		"3:69 name range true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzRender proves that no template makes the package panic, or run past its limits.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{
		"${{ a.b | default('x') | upper }}", "{% for k, v in a %}${{ k }}{% else %}{% endfor %}", "{%- raw -%}${{{% endraw %}",
		"{% macro m(a, b=1) %}{{ caller() }}{% endmacro %}{% call m(2) %}{% endcall %}", "${{ {a: [1, -2.5e]}.a[0] ** 2 // 3 % 4 ~ 'x' }}",
		"{% switch a %}{% case 1 %}{% default %}{% endswitch %}", "${{ r/a+/gi.test('aaa') and not 1 in [1] is defined }}",
		"{# #}{% set a, b = 1 %}{% filter replace('a', r/b/) %}{% endfilter %}", "${{ 'a' if b else c[1:2] }}", "${{ l.push(l) }}${{ l | dump(2) }}",
	} {
		f.Add(seed)
	}
	options := Options{VariableStart: "${{", Jinja: true, Limits: Limits{Steps: 5000, Bytes: 1 << 20}}
	env := New(options)
	values := map[string]any{"a": map[string]any{"b": "c"}, "l": []any{1.0, "two", nil}, "n": int64(3), "s": "text"}
	f.Fuzz(func(t *testing.T, source string) {
		parsed, err := env.Parse("f", source)
		var wrong *Error
		if err != nil {
			if !errors.As(err, &wrong) || wrong.Line < 1 || wrong.Column < 1 || wrong.Message == "" {
				t.Fatalf("%#v", err)
			}
			return
		}
		parsed.References()
		if out, err := parsed.Render(context.Background(), values); err != nil && !errors.As(err, &wrong) {
			t.Fatalf("%#v", err)
		} else if len(out) > 2<<20 {
			t.Fatalf("%d bytes", len(out))
		}
		if parsed.IsExpression() {
			_, _, _ = parsed.Value(context.Background(), values)
		}
	})
}
