// Package dispatch is the domain: messages, what they carry, their states and
// the rules that move them. It knows no SQL, no HTTP and no queue.
package dispatch

import "github.com/google/uuid"

// ID names a message. It is a UUIDv7 made by us, so ids sort by time.
type ID = uuid.UUID

// NewID makes a fresh message id.
func NewID() ID { return uuid.Must(uuid.NewV7()) }

// NoID is the id of nothing.
var NoID ID
