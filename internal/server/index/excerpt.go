package index

import (
	"strings"

	"github.com/slipway-dev/slipway/internal/entity"
)

// excerptWords is how many words an excerpt has at most.
const excerptWords = 16

// excerpt is the part of an entity in which most of the wanted words begin a word: of several such fields the first, from
// the first of the words on and with what precedes it, as far as there is room.
func excerpt(s Summary, wanted []string) string {
	best, most := "", 0
	for _, field := range []string{s.Name, s.Title, strings.Join(s.Tags, " "), s.Kind + " " + s.Type, s.Owner, s.Description} {
		found := 0
		for _, w := range wanted {
			if first(field, []string{w}) >= 0 {
				found++
			}
		}
		if found > most {
			best, most = field, found
		}
	}
	words := strings.Fields(best)
	if len(words) <= excerptWords {
		return strings.Join(words, " ")
	}
	from := max(0, min(first(best, wanted)-excerptWords/4, len(words)-excerptWords))
	text := strings.Join(words[from:from+excerptWords], " ")
	if from > 0 {
		text = "…" + text
	}
	if from+excerptWords < len(words) {
		text += "…"
	}
	return text
}

// first is the place, among the words of text between spaces, of the first in which one of the wanted words begins a
// word; -1 where there is none.
func first(text string, wanted []string) int {
	for i, part := range strings.Fields(text) {
		for _, have := range entity.Words(part) {
			for _, w := range wanted {
				if strings.HasPrefix(have, w) {
					return i
				}
			}
		}
	}
	return -1
}
