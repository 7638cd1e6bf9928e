package index

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/spec"
)

// Summary is an entity as lists show it.
type Summary struct {
	Ref                entity.Ref
	Kind               string
	Namespace, Name    string
	Title, Description string
	Type, Lifecycle    string
	// Owner and System are references; empty where there is none.
	Owner, System string
	Tags          []string
	// Errors is how many mistakes it has, references that lead nowhere included.
	Errors int
}

// dangling are the references of an entity e that lead nowhere.
const dangling = `FROM relations d WHERE d.entity = e.id
	AND NOT EXISTS (SELECT 1 FROM entities t WHERE t.ref = d.target AND t.shown)`

const summaryColumns = `e.ref, e.kind, e.namespace, e.name, e.title, e.description, e.type, e.lifecycle, e.owner,
	e.system, e.tags, e.errors + (SELECT count(*) ` + dangling + `)`

func scanSummary(columns func(...any) error) (s Summary, err error) {
	var ref, tags string
	if err := columns(&ref, &s.Kind, &s.Namespace, &s.Name, &s.Title, &s.Description, &s.Type, &s.Lifecycle, &s.Owner,
		&s.System, &tags, &s.Errors); err != nil {
		return s, err
	}
	return s, errors.Join(s.Ref.UnmarshalText([]byte(ref)), json.Unmarshal([]byte(tags), &s.Tags))
}

// EntityQuery narrows a list of entities down.
type EntityQuery struct {
	entity.Filter
	// Text selects those in which each of its words begins a word.
	Text string
}

// Entities lists entities by reference.
func (x *Index) Entities(ctx context.Context, q EntityQuery, page Page) (List[Summary], error) {
	l := query{name: "entities", items: summaryColumns, from: "entities e", order: []string{"e.ref"}}
	l.filter("e.shown")
	narrow(&l, q.Filter)
	if q.Text != "" {
		match := matching(q.Text)
		if match == "" {
			return List[Summary]{}, nil
		}
		l.filter("e.id IN (SELECT rowid FROM entity_text WHERE entity_text MATCH ?)", match)
	}
	return list(ctx, x, l, page, scanSummary)
}

func narrow(l *query, f entity.Filter) {
	among(l, "e.kind", anyOf(f.Kinds))
	among(l, "e.type", anyOf(f.Types))
	among(l, "e.lifecycle", anyOf(f.Lifecycles))
	among(l, "e.namespace", lower(f.Namespaces))
	among(l, "e.owner", references(f.Owners))
	among(l, "e.system", references(f.Systems))
	for _, tag := range f.Tags {
		l.filter("EXISTS (SELECT 1 FROM entity_tags g WHERE g.tag = ? AND g.entity = e.id)", tag)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Labels)) {
		l.filter("EXISTS (SELECT 1 FROM entity_labels b WHERE b.key = ? AND b.value = ? AND b.entity = e.id)", key,
			f.Labels[key])
	}
	if f.Broken {
		l.filter("(e.errors > 0 OR EXISTS (SELECT 1 " + dangling + "))")
	}
}

// anyOf is nil for an empty list: it selects everything.
func anyOf(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func lower(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = strings.ToLower(s)
	}
	return out
}

func references(refs []entity.Ref) []string {
	if len(refs) == 0 {
		return nil
	}
	out := make([]string, len(refs))
	for i, r := range refs {
		out[i] = r.String()
	}
	return out
}

// matching makes of any text a query of full-text search: each word of it begins a word. Empty
// where the text has no word.
func matching(text string) string {
	words := entity.Words(text)
	for i, w := range words[:min(len(words), 16)] {
		words[i] = `"` + w + `"*` // words are letters and digits: nothing in them ends the quotation
	}
	return strings.Join(words[:min(len(words), 16)], " ")
}

// Hit is an entity that a search found.
type Hit struct {
	Summary
	// Excerpt is text around what was found.
	Excerpt string
}

// Search lists the entities in which each word of text begins a word, the best first. What is
// called exactly so comes before everything else.
func (x *Index) Search(ctx context.Context, text string, page Page) (List[Hit], error) {
	match := matching(text)
	if match == "" {
		return List[Hit]{}, nil
	}
	l := query{name: "search", items: summaryColumns, order: []string{"score", "ref"}, late: "entities e ON e.id = page.id",
		from: `(SELECT e.id, e.ref, f.score - CASE WHEN e.name = ? COLLATE NOCASE THEN 1000 ELSE 0 END AS score
			FROM (SELECT rowid, bm25(entity_text, 8, 6, 4, 3, 2, 1) AS score FROM entity_text WHERE entity_text MATCH ?) f
			JOIN entities e ON e.id = f.rowid WHERE e.shown)`,
		args: []any{strings.TrimSpace(text), match}}
	wanted := entity.Words(text)
	return list(ctx, x, l, page, func(columns func(...any) error) (h Hit, err error) {
		h.Summary, err = scanSummary(columns)
		h.Excerpt = excerpt(h.Summary, wanted)
		return h, err
	})
}

// Summaries gives entities by reference; those that are not there are missing in the result.
func (x *Index) Summaries(ctx context.Context, refs []entity.Ref) (out map[entity.Ref]Summary, err error) {
	if len(refs) == 0 {
		return map[entity.Ref]Summary{}, nil
	}
	err = x.look(ctx, func(tx *sql.Tx) error {
		out, err = summaries(ctx, tx, refs)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read entities: %w", err)
	}
	return out, nil
}

func summaries(ctx context.Context, tx *sql.Tx, refs []entity.Ref) (map[entity.Ref]Summary, error) {
	rows, err := tx.QueryContext(ctx, `SELECT `+summaryColumns+` FROM json_each(?) j
		JOIN entities e ON e.ref = j.value AND e.shown`, jsonList(refs))
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := make(map[entity.Ref]Summary, len(refs))
	for rows.Next() {
		s, err := scanSummary(rows.Scan)
		if err != nil {
			return nil, err
		}
		out[s.Ref] = s
	}
	return out, rows.Err()
}

// jsonList is references as a JSON list, for json_each.
func jsonList(refs []entity.Ref) string {
	text, _ := json.Marshal(refs) // texts are always JSON
	return string(text)
}

// Entity reads an entity with its relations in both directions and all its mistakes. Missing are
// the references that lead nowhere.
func (x *Index) Entity(ctx context.Context, ref entity.Ref) (e entity.Entity, missing []entity.Ref, err error) {
	err = x.look(ctx, func(tx *sql.Tx) error {
		var id int64
		var text string
		err := tx.QueryRowContext(ctx, `SELECT id, document FROM entities WHERE ref = ? AND shown`,
			ref.String()).Scan(&id, &text)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return err
		}
		relations, err := neighbours(ctx, tx, []entity.Ref{ref})
		if err != nil {
			return err
		}
		e.Relations = relations[ref]
		missing, err = leadNowhere(ctx, tx, id, &e)
		return err
	})
	if err != nil {
		return entity.Entity{}, nil, fmt.Errorf("read entity %s: %w", ref, err)
	}
	return e, missing, nil
}

// leadNowhere adds the mistakes of references that lead nowhere to e.
func leadNowhere(ctx context.Context, tx *sql.Tx, id int64, e *entity.Entity) (missing []entity.Ref, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT d.type, d.target, d.path, d.line, d.column_ `+strings.ReplaceAll(dangling,
		"e.id", "?"), id)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var r entity.Reference
		var target string
		if err := rows.Scan(&r.Type, &target, &r.Path, &r.Line, &r.Column); err != nil {
			return nil, err
		}
		if err := r.Target.UnmarshalText([]byte(target)); err != nil {
			return nil, err
		}
		e.Errors = append(e.Errors, e.Dangling(r))
		if !slices.Contains(missing, r.Target) {
			missing = append(missing, r.Target)
		}
	}
	e.Errors = spec.Sorted(e.Errors)
	return missing, rows.Err()
}

// neighbours gives the relations of entities in both directions.
func neighbours(ctx context.Context, tx *sql.Tx, refs []entity.Ref) (map[entity.Ref][]entity.Relation, error) {
	list := jsonList(refs)
	rows, err := tx.QueryContext(ctx, `
		SELECT r.origin, r.type, r.target, 0 FROM json_each(?) j
		JOIN relations r ON r.origin = j.value JOIN entities e ON e.id = r.entity AND e.shown
		UNION
		SELECT r.target, r.type, r.origin, 1 FROM json_each(?) j
		JOIN relations r ON r.target = j.value JOIN entities e ON e.id = r.entity AND e.shown`,
		list, list)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	out := map[entity.Ref][]entity.Relation{}
	for rows.Next() {
		var from, kind, to string
		var back bool
		if err := rows.Scan(&from, &kind, &to, &back); err != nil {
			return nil, err
		}
		var a, b entity.Ref
		if err := errors.Join(a.UnmarshalText([]byte(from)), b.UnmarshalText([]byte(to))); err != nil {
			return nil, err
		}
		if back {
			kind = entity.Inverse(kind)
		}
		out[a] = append(out[a], entity.Relation{Type: kind, Target: b})
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for ref := range out {
		out[ref] = entity.SortRelations(out[ref])
	}
	return out, nil
}

// Graph gives the entities within depth relations of root, and the relations that lead to them; known are
// those of its nodes that are in the catalogue. Types, where there are any, are the only relations that count.
func (x *Index) Graph(ctx context.Context, root entity.Ref, depth int, types ...string) (g entity.Graph,
	known map[entity.Ref]Summary, err error) {
	err = x.look(ctx, func(tx *sql.Tx) error {
		g, err = entity.Walk(root, depth, types,
			func(refs []entity.Ref) (map[entity.Ref][]entity.Relation, error) { return neighbours(ctx, tx, refs) },
			func(refs []entity.Ref) (map[entity.Ref]entity.Node, error) {
				if known, err = summaries(ctx, tx, refs); err != nil {
					return nil, err
				}
				nodes := make(map[entity.Ref]entity.Node, len(known))
				for ref, s := range known {
					nodes[ref] = entity.Node{Ref: ref, Kind: s.Kind, Title: cmp.Or(s.Title, s.Name), Broken: s.Errors > 0}
				}
				return nodes, nil
			})
		if _, there := known[root]; err == nil && !there {
			return ErrNotFound
		}
		return err
	})
	if err != nil {
		return entity.Graph{}, nil, fmt.Errorf("read what is around %s: %w", root, err)
	}
	return g, known, nil
}
