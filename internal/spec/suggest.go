package spec

import (
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Nearest gives the candidate that was probably meant by a word, "" where none comes near:
// at most a third of the letters differ, or two have changed places, or one word of four
// letters or more is part of the other.
func Nearest(word string, candidates []string) string {
	best, distance := "", max(1, len(word)/3)+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if c == word {
			continue
		}
		if d := differing(strings.ToLower(word), strings.ToLower(c)); d < distance {
			best, distance = c, d
		}
	}
	return best
}

// differing counts how far two words are apart.
func differing(a, b string) int {
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	switch {
	case letters(a) == letters(b):
		return 1
	case len(short) >= 4 && strings.Contains(long, short):
		return 1
	}
	return levenshtein.ComputeDistance(a, b)
}

// letters are a word's letters in order.
func letters(s string) string {
	runes := []rune(s)
	slices.Sort(runes)
	return string(runes)
}
