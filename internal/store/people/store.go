// Package people stores who persons are and what they asked for: their ids,
// conversation windows, opt-outs and the messages that they wrote.
package people

import "github.com/sendoff/sendoff/internal/store/pg"

// People reads and writes what is known of people.
type People struct {
	db *pg.DB
}

// New returns People on db.
func New(db *pg.DB) *People { return &People{db: db} }

// numbers are the numbers in the statements of this package.
var numbers = pg.Domain.Merge(pg.Numbers{"asked_nothing": askedNothing, "asked_stop": askedStop, "asked_start": askedStart})
