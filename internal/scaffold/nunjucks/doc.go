// Package nunjucks renders templates in the language of Nunjucks, which Backstage's templates
// are written in: values behave as in JavaScript, and there are if, for, set, macro, call,
// filter, switch and raw. A template reaches nothing but the values it is given: there are no
// files (include, import and extends are refused), no clock, no randomness, and its work is
// bounded. internal/scaffold uses it for expressions in steps and for skeletons.
//
// The language is described at https://mozilla.github.io/nunjucks/templating.html; where that page
// is silent, Nunjucks 3.2.4 decides. docs/decisions/0010-nunjucks.md says why it is not a library, and
// what differs.
package nunjucks
