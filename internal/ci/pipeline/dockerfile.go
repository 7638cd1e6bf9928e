package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// stage is what one FROM of a Dockerfile begins (https://docs.docker.com/reference/dockerfile/#from).
type stage struct {
	name string // in lower case; "" where it has none
	base string
	// first and last are its lines, the last one not included.
	first, last int
}

var (
	fromLine = regexp.MustCompile(`(?i)^\s*FROM\s+((?:--\S+\s+)*)(\S+)(?:\s+AS\s+(\S+))?\s*$`)
	fromFlag = regexp.MustCompile(`(?i)--(?:from=|mount=\S*from=)([^\s,]+)`)
	number   = regexp.MustCompile(`^\d+$`)
)

// stages finds the stages of a Dockerfile.
func stages(dockerfile string) []stage {
	lines := strings.Split(dockerfile, "\n")
	var out []stage
	for i, line := range lines {
		if m := fromLine.FindStringSubmatch(line); m != nil {
			if len(out) > 0 {
				out[len(out)-1].last = i
			}
			out = append(out, stage{name: strings.ToLower(m[3]), base: m[2], first: i, last: len(lines)})
		}
	}
	return out
}

// testStage is the stage that runs an application's tests.
const testStage = "test"

// forTests gives the Dockerfile up to the end of its stage of tests; ok is false where it has none.
func forTests(dockerfile string) (part string, ok bool) {
	lines := strings.Split(dockerfile, "\n")
	for _, s := range stages(dockerfile) {
		if s.name == testStage {
			return strings.Join(lines[:s.last], "\n"), true
		}
	}
	return "", false
}

// withoutTests gives the Dockerfile without its stage of tests, which has been run already, where no other stage
// needs that one and none is referred to by its number.
func withoutTests(dockerfile string) string {
	lines := strings.Split(dockerfile, "\n")
	all := stages(dockerfile)
	i := slices.IndexFunc(all, func(s stage) bool { return s.name == testStage })
	if i < 0 || i == len(all)-1 {
		return dockerfile
	}
	for _, s := range all[i+1:] {
		if strings.ToLower(s.base) == testStage {
			return dockerfile
		}
	}
	for _, line := range lines {
		for _, m := range fromFlag.FindAllStringSubmatch(line, -1) {
			if strings.ToLower(m[1]) == testStage || number.MatchString(m[1]) {
				return dockerfile
			}
		}
	}
	return strings.Join(slices.Concat(lines[:all[i].first], lines[all[i].last:]), "\n")
}

// bases are the images that a Dockerfile takes from elsewhere, sorted. Those that depend on a build argument are not known.
func bases(dockerfile string) []string {
	own := map[string]bool{"scratch": true}
	var out []string
	for _, s := range stages(dockerfile) {
		if !own[strings.ToLower(s.base)] && !strings.Contains(s.base, "$") {
			out = append(out, s.base)
		}
		if s.name != "" {
			own[s.name] = true
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check says what of a Dockerfile cannot be built, before anything is.
func check(dockerfile string) error {
	if len(stages(dockerfile)) == 0 {
		return fmt.Errorf("the Dockerfile has no FROM")
	}
	return nil
}
