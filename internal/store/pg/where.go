package pg

import (
	"fmt"
	"strings"
)

// Where collects the conditions of a query and their arguments.
type Where struct {
	conds []string
	args  []any
	n     int // arguments that precede those of the conditions
}

// NewWhere returns an empty Where whose first argument is number n+1.
func NewWhere(n int) *Where { return &Where{n: n} }

// Add appends a condition; each ? in it is the next of args.
func (w *Where) Add(cond string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		cond = strings.Replace(cond, "?", fmt.Sprintf("$%d", w.n+len(w.args)), 1)
	}
	w.conds = append(w.conds, cond)
}

// After adds that a row stands after (of, id) in an index of the two columns, among those
// of the same owner. Ordered by both columns, only that index gives the rows in order:
// "owner = $1 AND id > $2 ORDER BY id" would walk through the rows of all owners by the
// index of ids, as a generic plan takes all owners for equally large.
func (w *Where) After(ownerColumn, idColumn string, owner, id any) (order string) {
	w.Add(`(`+ownerColumn+`, `+idColumn+`) > (?, ?)`, owner, id)
	w.Add(ownerColumn+` <= ?`, owner)
	return ownerColumn + `, ` + idColumn
}

// Before is After in the opposite order.
func (w *Where) Before(ownerColumn, idColumn string, owner, id any) (order string) {
	w.Add(`(`+ownerColumn+`, `+idColumn+`) < (?, ?)`, owner, id)
	w.Add(ownerColumn+` >= ?`, owner)
	return ownerColumn + ` DESC, ` + idColumn + ` DESC`
}

// Within returns the conditions of w as a part of one that begins and ends with a text.
func (w *Where) Within(begin, end string) *Where {
	return &Where{conds: []string{begin + w.SQL() + end}, args: w.args, n: w.n}
}

// Empty reports whether there is no condition.
func (w *Where) Empty() bool { return len(w.conds) == 0 }

// Args returns the arguments of the conditions in the order of their numbers.
func (w *Where) Args() []any { return w.args }

// SQL returns the conditions joined by AND, or true if there are none.
func (w *Where) SQL() string {
	if w.Empty() {
		return "true"
	}
	return strings.Join(w.conds, " AND ")
}
