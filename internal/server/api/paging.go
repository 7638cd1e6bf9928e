package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"sort"
	"strings"

	"github.com/slipway-dev/slipway/internal/server/problem"
)

// Page is the part of a list that is wanted.
type Page struct {
	// Limit is how many at most; it is at least 1.
	Limit int
	// After is the position of the last item of the page before, as the backend gave it in
	// List.Next; empty for the first page. It comes from outside, so a backend must bear any text.
	After string
}

// List is one page.
type List[T any] struct {
	Items []T `json:"items" nullable:"false" doc:"the page's items"`
	// Next is where the next page begins: for a backend the position of the last item, in an answer
	// the cursor. Empty on the last page.
	Next string `json:"next,omitempty" doc:"cursor of the next page; absent on the last"`
}

// PageQuery is how a caller asks for a page.
type PageQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"2048" doc:"next of the page before; the other parameters must stay the same"`
}

// cursor is a position in one particular list.
type cursor struct {
	After string `json:"a"`
	// Of says which list: a digest of the other parameters.
	Of string `json:"o"`
}

func digest(query []string) string {
	sum := sha256.Sum256([]byte(strings.Join(query, "\x00")))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// paged asks for the page that q means of the list that query names.
func paged[T any](q PageQuery, query []string, list func(Page) (List[T], error)) (List[T], error) {
	of := digest(query)
	page := Page{Limit: q.Limit}
	if q.Cursor != "" {
		var c cursor
		text, err := base64.RawURLEncoding.DecodeString(q.Cursor)
		if err == nil {
			err = json.Unmarshal(text, &c)
		}
		if err != nil || c.Of != of || c.After == "" {
			p := problem.New(http.StatusUnprocessableEntity, "the cursor does not belong to this list",
				"begin again without a cursor")
			p.Errors = []problem.Field{{Location: "query.cursor",
				Message: "use `next` of the page before, with the same other parameters"}}
			return List[T]{}, p
		}
		page.After = c.After
	}
	l, err := list(page)
	if err != nil {
		return List[T]{}, err
	}
	if l.Items == nil {
		l.Items = []T{}
	}
	if l.Next != "" {
		text, err := json.Marshal(cursor{After: l.Next, Of: of})
		if err != nil {
			return List[T]{}, err
		}
		l.Next = base64.RawURLEncoding.EncodeToString(text)
	}
	return l, nil
}

// Slice gives a page of items that are sorted by key, which must differ from item to item. It is for
// backends that have everything at hand.
func Slice[T any](items []T, key func(T) string, page Page) List[T] {
	from := 0
	if page.After != "" {
		from = sort.Search(len(items), func(i int) bool { return key(items[i]) > page.After })
	}
	to := min(len(items), from+max(1, page.Limit))
	l := List[T]{Items: append([]T{}, items[from:to]...)}
	if to < len(items) {
		l.Next = key(items[to-1])
	}
	return l
}
