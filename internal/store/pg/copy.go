package pg

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/lib/pq"
)

// copyChunk is how many bytes of a COPY are handed to the driver at once.
const copyChunk = 1 << 16

// Copy writes rows into a table by COPY. Values are nil, texts, pointers to texts, integers and booleans; a row may
// be used again for the next one. It runs within a transaction only: after an error of any row nothing of it is left.
func (d *DB) Copy(ctx context.Context, table string, columns []string, rows iter.Seq[[]any]) error {
	if !d.InTx() {
		return errors.New("copy: needs a transaction")
	}
	st, err := d.tx.PrepareContext(ctx, copyStatement(table, columns))
	if err != nil {
		return Wrap("begin copy", err)
	}
	lines := make(copyLines, 0, copyChunk+copyChunk/4)
	for row := range rows {
		if lines, err = lines.add(row); err == nil && len(lines) >= copyChunk {
			_, err = st.ExecContext(ctx, lines)
			lines = lines[:0]
		}
		if err != nil {
			return Wrap("copy row", errors.Join(err, st.Close()))
		}
	}
	if len(lines) > 0 {
		if _, err = st.ExecContext(ctx, lines); err != nil {
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

// copyLines are rows in the text format of COPY. The driver would take them one by one, with a call of
// database/sql for each, which costs more than to write them.
type copyLines []byte

// add appends a row.
func (b copyLines) add(row []any) (copyLines, error) {
	for i, value := range row {
		if i > 0 {
			b = append(b, '\t')
		}
		switch v := value.(type) {
		case nil:
			b = append(b, `\N`...)
		case string:
			b = b.text(v)
		case *string:
			if v == nil {
				b = append(b, `\N`...)
			} else {
				b = b.text(*v)
			}
		case int64:
			b = strconv.AppendInt(b, v, 10)
		case int:
			b = strconv.AppendInt(b, int64(v), 10)
		case bool:
			b = strconv.AppendBool(b, v)
		default:
			return b, fmt.Errorf("copy: column %d is a %T", i+1, value)
		}
	}
	return append(b, '\n'), nil
}

// text appends a text with its escapes.
func (b copyLines) text(s string) copyLines {
	from := 0
	for i := range len(s) {
		var escaped byte
		switch s[i] {
		case '\\':
			escaped = '\\'
		case '\n':
			escaped = 'n'
		case '\r':
			escaped = 'r'
		case '\t':
			escaped = 't'
		default:
			continue
		}
		b = append(append(b, s[from:i]...), '\\', escaped)
		from = i + 1
	}
	return append(b, s[from:]...)
}

// driverConn is what a connection of lib/pq can.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// conn is a connection of lib/pq whose COPY takes copyLines.
type conn struct{ driverConn }

// copying is lib/pq's statement of a COPY.
type copying interface {
	driver.Stmt
	CopyData(ctx context.Context, line string) (driver.Result, error)
}

// PrepareContext prepares a statement.
func (c conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	st, err := c.driverConn.PrepareContext(ctx, query)
	if in, ok := st.(copying); ok && err == nil {
		return copyStmt{in}, nil
	}
	return st, err
}

// copyStmt is the statement of a COPY.
type copyStmt struct{ copying }

// CheckNamedValue takes copyLines as they are.
func (copyStmt) CheckNamedValue(*driver.NamedValue) error { return nil }

// ExecContext sends lines; without any it ends the COPY and returns what was wrong with it.
func (s copyStmt) ExecContext(_ context.Context, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return s.Exec(nil)
	}
	lines, ok := args[0].Value.(copyLines)
	if !ok || len(lines) == 0 {
		return nil, errors.New("copy: no lines")
	}
	// Who waits for an answer, at the end, is told when ctx ends.
	return s.CopyData(context.Background(), string(lines[:len(lines)-1]))
}
