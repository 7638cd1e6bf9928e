package entity

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// Words cuts text into the words that searches compare: letters and digits in lower case.
func Words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) &&
			!unicode.IsDigit(r)
	})
}

// searched are the texts of an entity that searches look at, with what a word in each is worth.
func (e *Entity) searched() []struct {
	text  string
	worth int
} {
	return []struct {
		text  string
		worth int
	}{{e.Metadata.Name, 8}, {e.Metadata.Title, 6}, {strings.Join(e.Metadata.Tags, " "), 4},
		{e.Kind + " " + e.Type(), 3}, {e.Owner().Name, 2}, {e.Metadata.Description, 1}}
}

// Search gives the entities in which each word of text begins a word, the best first and at most
// limit of them. Text without a word finds nothing.
func (c *Catalogue) Search(text string, limit int) []*Entity {
	wanted := Words(text)
	if len(wanted) == 0 {
		return nil
	}
	type hit struct {
		*Entity
		score int
	}
	var hits []hit
	for _, e := range c.entities {
		if score := e.score(wanted); score > 0 {
			hits = append(hits, hit{e, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	out := make([]*Entity, 0, min(limit, len(hits)))
	for _, h := range hits[:min(limit, len(hits))] {
		out = append(out, h.Entity)
	}
	return out
}

// score is 0 where a word is missing.
func (e *Entity) score(wanted []string) int {
	total := 0
	fields := e.searched()
	for _, w := range wanted {
		best := 0
		for _, f := range fields {
			for _, have := range Words(f.text) {
				if strings.HasPrefix(have, w) {
					best = max(best, 2*f.worth)
				}
				if have == w {
					best = max(best, 2*f.worth+1)
				}
			}
		}
		if best == 0 {
			return 0
		}
		total += best
	}
	if slices.Equal(Words(e.Metadata.Name), wanted) {
		total += 100 // what is called exactly so comes first
	}
	return total
}
