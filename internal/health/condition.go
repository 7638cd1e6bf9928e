package health

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/slipway-dev/slipway/internal/expr"
	"github.com/slipway-dev/slipway/internal/kube"
)

// holds evaluates a condition over the live object. Where it does not hold, reason is what the
// object says of itself, with the fields that the condition is about.
func (u Unit) holds(condition string, live *unstructured.Unstructured) (reason string, ok bool) {
	vars := map[string]any{"object": live.Object}
	maps.Copy(vars, u.Vars)
	ok, err := expr.Bool(condition, vars)
	if ok && err == nil {
		return "", true
	}
	told, values := u.unwanted(condition, live)
	parts := []string{said(live), strings.Join(told, ", "), strings.Join(itemsWith(values, live), ", ")}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	if len(parts) == 0 {
		return oneLine("waits for " + condition), false
	}
	return oneLine(strings.Join(parts, "; ")), false
}

// fieldPath finds the fields of the object in a condition.
var fieldPath = regexp.MustCompile(`object((?:\.[A-Za-z_][A-Za-z0-9_]*)+)\b`)

// unwanted tells the fields that a condition is about, with their values ("status.phase is
// Pending"), and gives the values that are texts. A field is left out where its value stands in
// the condition or among the variables, and so is most likely as wanted.
func (u Unit) unwanted(condition string, live *unstructured.Unstructured) (told, values []string) {
	var unset []string
	for _, m := range fieldPath.FindAllStringSubmatchIndex(condition, -1) {
		path := condition[m[2]+1 : m[3]]
		if rest := condition[m[3]:]; strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "[") { // a method, or an item
			continue
		}
		value, found, _ := unstructured.NestedFieldNoCopy(live.Object, strings.Split(path, ".")...)
		text := fmt.Sprintf("%s is %v", path, value)
		switch v := value.(type) {
		case map[string]any, []any:
			continue
		case string:
			if strings.Contains(condition, "'"+v+"'") || strings.Contains(condition, `"`+v+`"`) || u.isVariable(v) {
				continue
			}
			values = append(values, v)
		}
		if !found {
			if slices.ContainsFunc(unset, func(p string) bool { return path == p || strings.HasPrefix(path, p+".") }) {
				continue
			}
			unset = append(unset, path)
			text = path + " is not set"
		}
		if !slices.Contains(told, text) {
			told = append(told, text)
		}
	}
	return told, values
}

func (u Unit) isVariable(value string) bool {
	for _, v := range u.Vars {
		if v == value {
			return true
		}
	}
	return false
}

// itemsShown is how many of an object's items are told.
const itemsShown = 3

// itemsWith names the objects listed in a status that have one of values as their own status:
// where a whole is out of step, these parts are.
func itemsWith(values []string, live *unstructured.Unstructured) []string {
	status, _, _ := unstructured.NestedMap(live.Object, "status")
	var named []string
	for _, key := range sortedKeys(status) {
		list, _ := status[key].([]any)
		for _, item := range list {
			m, _ := item.(map[string]any)
			own, _ := m["status"].(string)
			if obj := mentioned(m, live.GetNamespace()); obj != nil && slices.Contains(values, own) {
				named = append(named, kube.IDOf(obj).String()+" is "+own)
			}
		}
	}
	if more := len(named) - itemsShown; more > 0 {
		named = append(named[:itemsShown], fmt.Sprintf("%d more", more))
	}
	return named
}
