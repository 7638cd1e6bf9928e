// Package expr evaluates the expressions in tool definitions and manifests: "${...}" holds a
// CEL expression (https://cel.dev), and a string that is one expression takes its type. It
// works on plain trees (map[string]any, []any, strings, numbers), reaches nothing outside the
// variables it is given, and bounds what an expression may cost. Resolving, rendering and
// health checks call it.
package expr
