package pg

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/sendoff/sendoff/internal/storable"
)

// maxRef bounds a provider's id, in bytes: an index takes no longer ones.
const maxRef = 512

// FitRef returns ref in a length that an index takes. Of a longer one the
// beginning is kept, and the SHA-256 of the whole, so that it is still the same
// for the same id and another for another.
func FitRef(ref string) string {
	if len(ref) <= maxRef {
		return ref
	}
	sum := sha256.Sum256([]byte(ref))
	return storable.Cut(ref, maxRef-2*sha256.Size-1) + ":" + hex.EncodeToString(sum[:])
}

// EachStorable runs write with all rows, or, if Postgres refuses a value of
// theirs, with ever smaller parts of them. It returns the places of the rows that
// are refused alone.
func EachStorable[T any](rows []T, write func([]T) error) (refused []int, err error) {
	if len(rows) == 0 {
		return nil, nil
	}
	err = write(rows)
	if !Poisoned(err) {
		return nil, err
	}
	if len(rows) == 1 {
		return []int{0}, nil
	}
	half := len(rows) / 2
	refused, err = EachStorable(rows[:half], write)
	if err != nil {
		return nil, err
	}
	more, err := EachStorable(rows[half:], write)
	for _, i := range more {
		refused = append(refused, half+i)
	}
	return refused, err
}
