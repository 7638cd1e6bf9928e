package nunjucks

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error is what is wrong in a template, and where.
type Error struct {
	// Name is the template's, as given to Parse.
	Name string
	// Line and Column count from 1; columns are characters.
	Line, Column int
	Message      string
	// Cause is what went wrong outside the template, a cancelled context for example; mostly nil.
	Cause error
}

// Error is "name:line:column: message".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Name, e.Line, e.Column, e.Message)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// at makes an error of a place in a source.
func at(name, source string, offset int, err error) *Error {
	line, column := position(source, offset)
	return &Error{Name: name, Line: line, Column: column, Message: err.Error(), Cause: cause(err)}
}

// position is the line and the column of a byte in a source.
func position(source string, offset int) (line, column int) {
	before := source[:min(max(offset, 0), len(source))]
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}

// failure is an error at a byte of the source, on its way up to where the source is known.
type failure struct {
	offset int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

func fail(offset int, format string, args ...any) error {
	return &failure{offset: offset, err: fmt.Errorf(format, args...)}
}

// placed gives an error a place, unless it has a more exact one already.
func placed(offset int, err error) error {
	if _, has := err.(*failure); has || err == nil {
		return err
	}
	return &failure{offset: offset, err: err}
}

// stopped is the error of a template that was interrupted.
type stopped struct{ cause error }

func (s *stopped) Error() string { return "interrupted: " + s.cause.Error() }

func cause(err error) error {
	switch e := err.(type) {
	case *stopped:
		return e.cause
	case *UnknownError:
		return e
	}
	return nil
}

// UnknownError is the cause of an error about a name that the language does not have.
type UnknownError struct {
	Kind  string // "filter", "test" or "tag"
	Name  string
	Known []string // the names there are, sorted
}

// Error is `no filter is called "uper"`.
func (e *UnknownError) Error() string { return fmt.Sprintf("no %s is called %q", e.Kind, e.Name) }
