package spec

// Locate gives findings about fields of a Platform file their lines, for errors that were found
// after it was read. A finding without a path stays as it is.
func Locate(file string, data []byte, findings []Finding) []Finding {
	d, _ := Parse(file, data)
	if d == nil {
		return findings
	}
	out := make([]Finding, len(findings))
	for i, f := range findings {
		out[i] = f
		if f.Path != "" {
			out[i].File = file
			out[i].Line, out[i].Column = d.KeyAt(f.Path)
		}
	}
	return Sorted(out)
}
