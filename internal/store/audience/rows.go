package audience

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/store/pg"
)

// Most pages have nothing to write in the columns from wa_id on.
var (
	rowColumns = []string{
		"import_id", "row", "line", "result", "phone", "name", "fields", "wa_id", "user_id", "time_zone", "problem", "cells",
	}
	columnsOfAll = 7
)

// audience keeps the rows for campaigns; a dry run keeps the bad ones only.
func (m *merge) audience(ctx context.Context) error {
	n := columnsOfAll
	if slices.ContainsFunc(m.page, func(r Row) bool { return r.Problem != nil || r.WaID != "" || r.UserID != "" || r.TimeZone != "" }) {
		n = len(rowColumns)
	}
	return m.tx.Copy(ctx, "import_rows", rowColumns[:n], func(yield func([]any) bool) {
		for i := range m.page {
			r := &m.page[i]
			result := m.result(r)
			if m.o.DryRun && r.Problem == nil {
				continue
			}
			if !yield(append([]any{m.i.ID, r.Number, r.Line, result}, r.kept()...)[:n]) {
				return
			}
		}
	})
}

// result counts a row of an audience and returns what has become of it.
func (m *merge) result(r *Row) string {
	switch {
	case r.Problem != nil:
		m.n.Bad++
		return "bad"
	case r.duplicate:
		m.n.Duplicate++
		return "duplicate"
	case r.suppressed || r.erased:
		m.n.Suppressed++
		return "suppressed"
	}
	m.n.Created++
	return "created"
}

// kept returns the values of a row from phone on that are kept: of a bad row its
// cells, of an erased person's none.
func (r *Row) kept() []any {
	switch {
	case r.Problem != nil:
		return []any{nil, "", "{}", "", "", "", pg.JSON(r.Problem), pg.JSON(r.Cells)}
	case r.erased:
		return []any{nil, "", "{}", "", "", "", nil, nil}
	}
	return []any{pg.Nullable(r.Phone), r.Name, string(r.Fields), r.WaID, r.UserID, r.TimeZone, nil, nil}
}
