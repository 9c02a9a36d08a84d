package pg

import (
	"database/sql"
	"errors"
	"fmt"
	"net"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// The SQLSTATE codes that the stores distinguish
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
const (
	notNullViolation    = "23502"
	foreignKeyViolation = "23503"
	uniqueViolation     = "23505"
	checkViolation      = "23514"
	divisionByZero      = "22012"
	readOnly            = "25006"
	protocolViolation   = "08P01"
	deadlockDetected    = "40P01"
	lockNotAvailable    = "55P03"
	queryCanceled       = "57014" // statement_timeout: locks of several that wait for one row add up to it
	undefinedTable      = "42P01"
	featureNotSupported = "0A000"
	cannotConnectNow    = "57P03"
	tooManyConnections  = "53300"
	diskFull            = "53100"
	programLimit        = "54000"

	dataException        = "22" // class
	connectionException  = "08" // class
	operatorIntervention = "57" // class: shutdown, crash of another backend
)

// Wrap adds doing to err and maps the errors that clients may see: no row to
// ErrNotFound, a unique violation to dispatch.Conflict, a server that can't be
// reached, a write to a read-only one and a statement that took too long, or was in
// the way of others, to dispatch.Overloaded and a foreign key violation to dispatch.NotFound, with the
// constraint as the reason. A nil err stays nil.
func Wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if NoRow(err) {
		return dispatch.ErrNotFound
	}
	if unreached(err) {
		return away(doing, err)
	}
	if pe, ok := errors.AsType[*pq.Error](err); ok {
		switch pe.Code {
		case uniqueViolation:
			return &dispatch.Error{Code: dispatch.Conflict, Msg: "already exists", Reason: pe.Constraint, Err: err}
		case readOnly:
			return writesRefused(err)
		case diskFull:
			return &dispatch.Error{
				Code: dispatch.Overloaded, Msg: "the database has no room at the moment; try again", RetryAfter: 5,
				Err: fmt.Errorf("%s: %w", doing, err),
			}
		case deadlockDetected, lockNotAvailable, queryCanceled:
			return &dispatch.Error{
				Code: dispatch.Overloaded, Msg: "the database is busy at the moment; try again", RetryAfter: 1, Err: fmt.Errorf("%s: %w", doing, err),
			}
		case foreignKeyViolation:
			return &dispatch.Error{Code: dispatch.NotFound, Msg: "refers to something that does not exist", Reason: pe.Constraint, Err: err}
		}
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// notBegun maps an error of BEGIN. lib/pq asks for READ WRITE, which a standby
// refuses as a feature that it lacks.
func notBegun(err error) error {
	if is(err, featureNotSupported) {
		return writesRefused(err)
	}
	if _, ok := errors.AsType[*pq.Error](err); !ok { // nothing is lost with the connection
		return away("begin", err)
	}
	return Wrap("begin", err)
}

// unreached reports whether there was no connection for a statement, which so had no effect.
func unreached(err error) bool {
	if is(err, cannotConnectNow) || is(err, tooManyConnections) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial"
}

// away returns what clients see while there is no connection.
func away(doing string, err error) error {
	return &dispatch.Error{
		Code: dispatch.Overloaded, Msg: "the database does not answer at the moment; try again", RetryAfter: 1,
		Err: fmt.Errorf("%s: %w", doing, err),
	}
}

// writesRefused returns what clients see of a server that takes no writes.
func writesRefused(err error) error {
	return &dispatch.Error{Code: dispatch.Overloaded, Msg: ErrReadOnly.Error() + "; try again", RetryAfter: 1, Err: err}
}

// NoRow reports whether err means that a query found no row.
func NoRow(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// Ping returns these if the server takes no writes: it replays the log of another
// one, or is set to be read-only.
var (
	ErrStandby  error = fault("the database is a standby in recovery, which is read-only")
	ErrReadOnly error = fault("the database is read-only at the moment")
)

// fault is an error that a probe may show.
type fault string

// Error returns what is wrong.
func (f fault) Error() string { return string(f) }

// Fault returns what is wrong.
func (f fault) Fault() string { return string(f) }

// ReadOnly reports whether Postgres refused a write because it is a standby or
// set to be read-only.
func ReadOnly(err error) bool { return is(err, readOnly) }

// Found returns dispatch.ErrNotFound if the statement affected no row.
func Found(r sql.Result) error {
	n, err := r.RowsAffected()
	if err != nil {
		return Wrap("count rows", err)
	}
	if n == 0 {
		return dispatch.ErrNotFound
	}
	return nil
}

// Refused reports whether Postgres itself rejected the statement, so that it
// certainly had no effect. After any other error the outcome is unknown, also
// after those of a server that is shutting down or losing its connections.
func Refused(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code.Class() != operatorIntervention && pe.Code.Class() != connectionException
}

// Poisoned reports whether Postgres rejected a value of the statement: the same
// page never passes, but its other rows do without the one that carries it.
func Poisoned(err error) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	if !ok {
		return false
	}
	switch pe.Code {
	case notNullViolation, uniqueViolation, checkViolation, programLimit:
		return true
	}
	return pe.Code.Class() == dataException
}

// Deadlocked reports whether Postgres ended the statement to resolve a deadlock.
func Deadlocked(err error) bool { return is(err, deadlockDetected) }

// Busy reports whether Postgres ended the statement because somebody else kept a
// lock: its transaction has had no effect, and another try may succeed.
func Busy(err error) bool { return Deadlocked(err) || is(err, lockNotAvailable) }

// Duplicate reports whether a row with the same key exists already.
func Duplicate(err error) bool { return is(err, uniqueViolation) }

// DividedByZero reports whether the statement divided by zero.
func DividedByZero(err error) bool { return is(err, divisionByZero) }

// NoTables reports whether the database has not been migrated.
func NoTables(err error) bool { return is(err, undefinedTable) }

func is(err error, code pqerror.Code) bool {
	pe, ok := errors.AsType[*pq.Error](err)
	return ok && pe.Code == code
}
