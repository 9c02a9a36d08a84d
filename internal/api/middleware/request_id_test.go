package middleware

import (
	"testing"

	"github.com/google/uuid"
)

func TestNewRequestID_IsARandomUUID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := newRequestID()
		u, err := uuid.Parse(id)
		if err != nil || u.Version() != 4 || u.Variant() != uuid.RFC4122 || seen[id] {
			t.Fatalf("%s: %v", id, err)
		}
		seen[id] = true
	}
}
