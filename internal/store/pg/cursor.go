package pg

import (
	"encoding/base64"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// EncodeCursor returns the opaque form of id in which clients pass it back to
// get the next page of a list.
func EncodeCursor(id string) string { return base64.RawURLEncoding.EncodeToString([]byte(id)) }

// DecodeCursor returns the id in a cursor. It returns dispatch.Invalid for one
// that EncodeCursor did not return.
func DecodeCursor(c string) (uuid.UUID, error) {
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err == nil {
		var id uuid.UUID
		if id, err = uuid.ParseBytes(b); err == nil {
			return id, nil
		}
	}
	return uuid.Nil, dispatch.InvalidField("/cursor", "cursor is not one that a list answered with")
}
