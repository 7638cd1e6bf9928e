package audit

// align names how the bundle's entries differ from the tree's leaves: which were altered, left out, moved, inserted or
// repeated. Entries are told by their hashes. It gives how many of the first leaves, up to reach, have their entry.
func (v *verification) align(entries, leaves [][]byte, reach uint64) (right uint64) {
	a := newAlignment(entries, leaves)
	v.broken, v.index = map[int]bool{}, map[int]uint64{}
	for place := range entries {
		code, leaf := a.place(place)
		if code == "" {
			v.index[place] = uint64(leaf)
			if uint64(leaf) < reach {
				right++
			}
			continue
		}
		v.broken[place], v.incomplete = true, true
		v.tellPlace(code, place, leaf)
	}
	for _, leaf := range a.missing() {
		v.incomplete = true
		v.report.findEntry(EntryMissing, uint64(leaf), "", "the log has it, and the bundle does not")
	}
	return right
}

func (v *verification) tellPlace(code Code, place, leaf int) {
	switch code {
	case EntryAltered:
		v.report.findEntry(code, uint64(leaf), v.claimed(place), "its content is not what the log has")
	case EntryInserted:
		v.report.findEntry(code, uint64(place), v.claimed(place),
			"it stands at place %d of the bundle, and the log does not have it", place)
	case EntryMoved:
		v.report.findEntry(code, uint64(leaf), v.claimed(place),
			"it stands at place %d of the bundle, out of its order", place)
	case EntryRepeated:
		v.report.findEntry(code, uint64(leaf), v.claimed(place),
			"it stands at place %d of the bundle once more", place)
	}
}

// alignment walks over entries and leaves side by side.
type alignment struct {
	// leafOf gives, for each entry, the leaf that it is; absent where the tree does not have it.
	leafOf []int
	// next is the first leaf that no entry has reached yet.
	next int
	// used are the leaves that an entry stands for, stead those that an altered entry stands in for.
	used, stead map[int]bool
	leaves      int
}

const absent = -1

func newAlignment(entries, leaves [][]byte) *alignment {
	a := &alignment{leafOf: make([]int, len(entries)), used: map[int]bool{}, stead: map[int]bool{}, leaves: len(leaves)}
	at := make(map[string][]int, len(leaves))
	for i, l := range leaves {
		at[string(l)] = append(at[string(l)], i)
	}
	for i, e := range entries {
		places := at[string(e)]
		if len(places) == 0 {
			a.leafOf[i] = absent
			continue
		}
		a.leafOf[i] = places[0]
		if len(places) > 1 { // the log itself has it more than once
			at[string(e)] = places[1:]
		}
	}
	return a
}

// place says what is wrong with the entry at a place, and which leaf that is about; "" where it is right.
func (a *alignment) place(i int) (Code, int) {
	leaf := a.leafOf[i]
	switch {
	case leaf == absent && (a.next >= a.leaves || a.continues(i+1)):
		return EntryInserted, absent
	case leaf == absent:
		a.stead[a.next] = true
		a.next++
		return EntryAltered, a.next - 1
	case a.used[leaf]:
		return EntryRepeated, leaf
	case leaf < a.next:
		a.used[leaf] = true
		return EntryMoved, leaf
	}
	a.used[leaf] = true
	a.next = leaf + 1
	return "", leaf
}

// continues says whether the entry at a place is the very next leaf.
func (a *alignment) continues(i int) bool { return i < len(a.leafOf) && a.leafOf[i] == a.next }

// missing gives the leaves that no entry stands for.
func (a *alignment) missing() []int {
	var out []int
	for leaf := range a.leaves {
		if !a.used[leaf] && !a.stead[leaf] {
			out = append(out, leaf)
		}
	}
	return out
}
