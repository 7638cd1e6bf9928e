package spec

// Report notes a mistake in the field at path of the document that is being read; suggestion is
// what was probably meant, or empty.
type Report func(path, suggestion, message string, args ...any)

// DecodeWith reads a file of a kind whose meaning another package knows: strictly and by its
// schema first, then by check, which also fills in defaults. A field that the schema finds wrong
// is not spoken of twice. The error is of type [Errors].
func DecodeWith[T any](file string, data []byte, kind string, check func(v *T, report Report)) (T, *Document, error) {
	return decode(file, data, kind, func(c *checker, v *T) { check(v, c.add) })
}

// AsName is the DNS label nearest to s, "" where nothing is left of it.
func AsName(s string) string { return asName(s) }
