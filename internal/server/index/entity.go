package index

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/entity"
	"github.com/slipway-dev/slipway/internal/spec"
)

// forgetEntities removes a source's entities and gives their references, for which others may
// have to be chosen.
func forgetEntities(ctx context.Context, tx *sql.Tx, source string) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `SELECT DISTINCT ref FROM entities WHERE source = ?`, source)
	if err != nil {
		return nil, err
	}
	refs, err := texts(rows)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{
		`DELETE FROM entity_text WHERE rowid IN (SELECT id FROM entities WHERE source = ?)`,
		`DELETE FROM entities WHERE source = ?`,
	} {
		if _, err := tx.ExecContext(ctx, statement, source); err != nil {
			return nil, err
		}
	}
	return refs, nil
}

// writer holds the statements by which entities are written: thousands of times in a row.
type writer struct{ entity, relation, tag, label, text *sql.Stmt }

func prepare(ctx context.Context, tx *sql.Tx) (*writer, func(), error) {
	w := &writer{}
	var err error
	var made []*sql.Stmt
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&w.entity, `INSERT INTO entities (source, rank, seq, ref, kind, namespace, name, title, description, type,
			lifecycle, owner, system, tags, errors, location, line, document)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&w.relation, `INSERT INTO relations (entity, origin, type, target, path, line, column_)
			VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&w.tag, `INSERT OR IGNORE INTO entity_tags (entity, tag) VALUES (?, ?)`},
		{&w.label, `INSERT INTO entity_labels (entity, key, value) VALUES (?, ?, ?)`},
		{&w.text, `INSERT INTO entity_text (rowid, name, title, tags, kind, owner, description)
			VALUES (?, ?, ?, ?, ?, ?, ?)`},
	} {
		if *p.to, err = tx.PrepareContext(ctx, p.text); err != nil {
			return nil, func() {}, err
		}
		made = append(made, *p.to)
	}
	return w, func() {
		for _, s := range made {
			_ = s.Close()
		}
	}, nil
}

// putEntities writes a source's entities and gives their references.
func putEntities(ctx context.Context, tx *sql.Tx, source string, c Changes) ([]string, error) {
	if len(c.Entities) == 0 {
		return nil, nil
	}
	w, done, err := prepare(ctx, tx)
	if err != nil {
		return nil, err
	}
	defer done()
	refs := make([]string, len(c.Entities))
	for i := range c.Entities {
		e := &c.Entities[i]
		refs[i] = e.Ref().String()
		if err := w.put(ctx, source, c.Rank, i, e); err != nil {
			return nil, fmt.Errorf("%s: %w", refs[i], err)
		}
	}
	return refs, nil
}

func (w *writer) put(ctx context.Context, source string, rank, seq int, e *entity.Entity) error {
	tags, err := json.Marshal(e.Metadata.Tags)
	if err != nil {
		return err
	}
	document, err := json.Marshal(e)
	if err != nil {
		return err
	}
	ref := e.Ref().String()
	result, err := w.entity.ExecContext(ctx, source, rank, seq, ref, e.Kind, strings.ToLower(e.Metadata.Namespace),
		e.Metadata.Name, e.Metadata.Title, e.Metadata.Description, e.Type(), e.Lifecycle(), optional(e.Owner()),
		optional(e.System()),
		string(tags), len(e.Errors), e.Source.Location, e.Source.Line, string(document))
	if err != nil {
		return err
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for _, r := range e.References {
		if _, err := w.relation.ExecContext(ctx, id, ref, r.Type, r.Target.String(), r.Path, r.Line,
			r.Column); err != nil {
			return err
		}
	}
	for _, tag := range e.Metadata.Tags {
		if _, err := w.tag.ExecContext(ctx, id, tag); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metadata.Labels)) {
		if _, err := w.label.ExecContext(ctx, id, key, e.Metadata.Labels[key]); err != nil {
			return err
		}
	}
	_, err = w.text.ExecContext(ctx, id, e.Metadata.Name, e.Metadata.Title, strings.Join(e.Metadata.Tags, " "),
		e.Kind+" "+e.Type(), e.Owner().Name, e.Metadata.Description)
	return err
}

func optional(ref entity.Ref) string {
	if ref.IsZero() {
		return ""
	}
	return ref.String()
}

// choose decides which definition of each reference is shown.
func choose(ctx context.Context, tx *sql.Tx, refs []string) error {
	if len(refs) == 0 {
		return nil
	}
	list, err := json.Marshal(refs)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE entities
		SET shown = (id = (SELECT o.id FROM entities o WHERE o.ref = entities.ref ORDER BY o.rank, o.source, o.seq LIMIT 1))
		WHERE ref IN (SELECT value FROM json_each(?))`, string(list))
	return err
}

func putFindings(ctx context.Context, tx *sql.Tx, source string, found map[string][]spec.Finding) error {
	for _, file := range slices.Sorted(maps.Keys(found)) {
		if _, err := tx.ExecContext(ctx, `DELETE FROM findings WHERE source = ? AND file = ?`, source,
			file); err != nil {
			return err
		}
		for i, f := range found[file] {
			_, err := tx.ExecContext(ctx, `INSERT INTO findings
				(source, file, seq, line, column_, path, message, suggestion) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
				source, file, i, f.Line, f.Column, f.Path, f.Message, f.Suggestion)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Finding is a mistake that belongs to no entity of the catalogue.
type Finding struct {
	Source string
	spec.Finding
}

// Findings lists the mistakes that belong to no entity: files that cannot be read, and
// definitions of entities that are defined already.
func (x *Index) Findings(ctx context.Context, page Page) (List[Finding], error) {
	q := query{name: "findings", items: "source, file, line, column_, path, message, suggestion", from: `(
		SELECT source, file, seq, line, column_, path, message, suggestion FROM findings
		UNION ALL
		SELECT e.source, e.location, -e.id, e.line, 1, '', e.ref || ' is defined already, at ' || o.location || ':'
			|| o.line || ', and that definition counts', ''
		FROM entities e JOIN entities o ON o.ref = e.ref AND o.shown WHERE NOT e.shown)`,
		order: []string{"source", "file", "seq"}}
	return list(ctx, x, q, page, func(columns func(...any) error) (f Finding, err error) {
		err = columns(&f.Source, &f.File, &f.Line, &f.Column, &f.Path, &f.Message, &f.Suggestion)
		return f, err
	})
}
