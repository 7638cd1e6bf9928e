package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
)

// functions are the language's additions for gates:
//
//	healthyFor(list of health changes, timestamp) duration, in whole seconds
//	    how long the health has been "healthy" without a break up to a time; 0s where it is not
//	matchesAny(text, patterns) bool
//	    whether a text matches a pattern, in which "*" stands for any letters; case is ignored
//	requiresAny(licence, patterns) bool
//	    whether an SPDX expression cannot be met without a licence that matches a pattern
func functions() []cel.EnvOption {
	texts := cel.ListType(cel.StringType)
	changes := cel.ListType(cel.ObjectType("HealthChange"))
	return []cel.EnvOption{
		cel.Function("healthyFor", cel.Overload("healthyFor_changes_timestamp",
			[]*cel.Type{changes, cel.TimestampType}, cel.DurationType, cel.BinaryBinding(healthyFor))),
		cel.Function("matchesAny", cel.Overload("matchesAny_text_patterns",
			[]*cel.Type{cel.StringType, texts}, cel.BoolType, cel.BinaryBinding(onPatterns(matchesAny)))),
		cel.Function("requiresAny", cel.Overload("requiresAny_text_patterns",
			[]*cel.Type{cel.StringType, texts}, cel.BoolType, cel.BinaryBinding(onPatterns(requiresAny)))),
	}
}

func healthyFor(changes, until ref.Val) ref.Val {
	list, ok := changes.(traits.Lister)
	end, timed := until.(types.Timestamp)
	if !ok || !timed {
		return types.MaybeNoSuchOverloadErr(changes)
	}
	var since, last time.Time
	healthy := false
	for it := list.Iterator(); it.HasNext() == types.True; {
		change, ok := it.Next().(*object)
		if !ok {
			return types.MaybeNoSuchOverloadErr(changes)
		}
		if at, known := change.fields["at"], change.fields["health"]; types.IsUnknown(at) || types.IsUnknown(known) {
			unknown, _ := types.MaybeMergeUnknowns(at, nil)
			unknown, _ = types.MaybeMergeUnknowns(known, unknown)
			return unknown
		}
		at, ok := change.fields["at"].(types.Timestamp)
		if !ok || at.Before(last) {
			return types.NewErr("the changes of health are not in the order of time")
		}
		is := change.fields["health"].Equal(types.String(Healthy)) == types.True
		if is && !healthy {
			since = at.Time
		}
		healthy, last = is, at.Time
	}
	if !healthy || end.Before(since) {
		return types.Duration{}
	}
	return types.Duration{Duration: end.Sub(since).Truncate(time.Second)}
}

// onPatterns binds a function of a text and a list of patterns.
func onPatterns(call func(s string, patterns []string) bool) func(text, patterns ref.Val) ref.Val {
	return func(text, patterns ref.Val) ref.Val {
		s, ok := text.(types.String)
		list, listed := patterns.(traits.Lister)
		if !ok || !listed {
			return types.MaybeNoSuchOverloadErr(text)
		}
		var all []string
		for it := list.Iterator(); it.HasNext() == types.True; {
			p, ok := it.Next().(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(patterns)
			}
			all = append(all, string(p))
		}
		return types.Bool(call(string(s), all))
	}
}

func matchesAny(s string, patterns []string) bool {
	for _, p := range patterns {
		if wildcard(strings.ToLower(p), strings.ToLower(s)) {
			return true
		}
	}
	return false
}

// wildcard says whether s matches a pattern in which "*" stands for any letters, none included.
// It takes at most len(pattern) * len(s) steps.
func wildcard(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0 // the last "*", and where what it stands for ends
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p, i = p+1, i+1
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// span is a duration as people say it, rounded to what matters.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
