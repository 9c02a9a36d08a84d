package pg

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/lib/pq"
)

// Copy writes rows into a table by COPY. It runs within a transaction only:
// after an error of any row nothing of it is left.
func (d *DB) Copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error {
	if !d.InTx() {
		return errors.New("copy: needs a transaction")
	}
	st, err := d.tx.PrepareContext(ctx, copyStatement(table, columns))
	if err != nil {
		return Wrap("begin copy", err)
	}
	for row := range rows {
		if _, err := st.ExecContext(ctx, row...); err != nil {
			return Wrap("copy row", errors.Join(err, st.Close()))
		}
	}
	_, err = st.ExecContext(ctx)
	return Wrap("end copy", errors.Join(err, st.Close()))
}

// copyStatement returns the COPY of the columns of a table from what is sent.
func copyStatement(table string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = pq.QuoteIdentifier(c)
	}
	return "COPY " + pq.QuoteIdentifier(table) + " (" + strings.Join(quoted, ", ") + ") FROM STDIN"
}
