package index

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Page is the part of a list that is wanted.
type Page struct {
	// Limit is how many at most, from 1 to 500; 0 is 50.
	Limit int
	// After is [List.Next] of the page before; empty begins at the beginning. It may come from outside.
	After string
}

// List is a page of a list. Between two pages others may write: what is there all the time comes
// exactly once.
type List[T any] struct {
	Items []T
	// Next is where the next page begins; empty on the last.
	Next string
}

// ErrCursor says that Page.After is not of this list.
var ErrCursor = errors.New("the cursor does not belong to this list")

const (
	defaultLimit = 50
	maxLimit     = 500
)

// query is a list that is read page by page, by the position of its last item.
type query struct {
	// name tells lists apart by their cursors.
	name string
	// from is the tables, and what joins them; items are its columns.
	items, from string
	where       []string
	args        []any
	// order are columns of which no two items have the same values; backwards for the newest first.
	order     []string
	backwards bool
	// late, where it is set, joins what items come from to the page (id and order) once that is chosen: what
	// is dear to compute is computed for what is shown, not for all that was found.
	late string
}

// filter adds a condition.
func (q *query) filter(condition string, args ...any) {
	q.where = append(q.where, condition)
	q.args = append(q.args, args...)
}

// equal adds a condition where there is a value.
func (q *query) equal(column, value string) {
	if value != "" {
		q.filter(column+" = ?", value)
	}
}

// among adds a condition where there are values.
func among[T any](q *query, column string, values []T) {
	if values == nil {
		return
	}
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	q.filter(column+" IN (?"+strings.Repeat(", ?", max(len(list)-1, 0))+")", padded(list)...)
}

// padded is never empty: a list without values selects nothing.
func padded(list []any) []any {
	if len(list) == 0 {
		return []any{nil}
	}
	return list
}

// list reads a page. scan gets the row's columns, those of items first and those of order last.
func list[T any](ctx context.Context, x *Index, q query, page Page,
	scan func(columns func(...any) error) (T, error)) (List[T], error) {
	limit := page.Limit
	switch {
	case limit <= 0:
		limit = defaultLimit
	case limit > maxLimit:
		limit = maxLimit
	}
	if page.After != "" {
		position, err := q.decode(page.After)
		if err != nil {
			return List[T]{}, err
		}
		compare := " > "
		if q.backwards {
			compare = " < "
		}
		q.filter("("+strings.Join(q.order, ", ")+")"+compare+"(?"+strings.Repeat(", ?", len(q.order)-1)+")",
			position...)
	}
	leave, err := x.turn(ctx)
	if err != nil {
		return List[T]{}, fmt.Errorf("list %s: %w", q.name, err)
	}
	defer leave()
	rows, err := x.read.QueryContext(ctx, q.sql(), append(q.args, limit+1)...)
	if err != nil {
		return List[T]{}, fmt.Errorf("list %s: %w", q.name, broken(err))
	}
	defer func() { _ = rows.Close() }()
	var out List[T]
	var last []any
	for rows.Next() {
		if len(out.Items) == limit {
			out.Next = q.encode(last)
			break
		}
		position := make([]any, len(q.order))
		item, err := scan(func(columns ...any) error {
			for i := range position {
				columns = append(columns, &position[i])
			}
			return rows.Scan(columns...)
		})
		if err != nil {
			return List[T]{}, fmt.Errorf("list %s: %w", q.name, broken(err))
		}
		out.Items, last = append(out.Items, item), position
	}
	if err := rows.Err(); err != nil {
		return List[T]{}, fmt.Errorf("list %s: %w", q.name, broken(err))
	}
	return out, nil
}

func (q *query) sql() string {
	var b strings.Builder
	order := strings.Join(q.order, ", ")
	if q.late == "" {
		fmt.Fprintf(&b, "SELECT %s, %s FROM %s", q.items, order, q.from)
	} else {
		fmt.Fprintf(&b, "SELECT %s, page.%s FROM (SELECT id, %s FROM %s", q.items, strings.Join(q.order, ", page."), order, q.from)
	}
	if len(q.where) > 0 {
		b.WriteString(" WHERE " + strings.Join(q.where, " AND "))
	}
	direction := ""
	if q.backwards {
		direction = " DESC"
	}
	b.WriteString(" ORDER BY " + strings.Join(q.order, direction+", ") + direction + " LIMIT ?")
	if q.late != "" {
		b.WriteString(") page JOIN " + q.late + " ORDER BY page." + strings.Join(q.order, direction+", page.") + direction)
	}
	return b.String()
}

// encode makes a cursor of an item's position.
func (q *query) encode(position []any) string {
	// texts and numbers are always JSON
	text, _ := json.Marshal(append([]any{q.name}, position...))
	return base64.RawURLEncoding.EncodeToString(text)
}

// decode reads a cursor. Whatever it says can only be compared with: it selects nothing more than
// the list itself.
func (q *query) decode(cursor string) ([]any, error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, ErrCursor
	}
	var position []any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&position); err != nil || len(position) != len(q.order)+1 || position[0] != q.name {
		return nil, ErrCursor
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrCursor
	}
	position = position[1:]
	for i, v := range position {
		switch v := v.(type) {
		case string:
		case json.Number:
			if n, err := v.Int64(); err == nil {
				position[i] = n
			} else if f, err := v.Float64(); err == nil {
				position[i] = f
			} else {
				return nil, ErrCursor
			}
		default:
			return nil, ErrCursor
		}
	}
	return position, nil
}
