package storable

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is the deepest nesting of JSON that is taken: that of Postgres' jsonb is
// limited.
const MaxDepth = 100

// Shape returns where valid JSON has a name twice in one object, of which decoders
// would each take another one, or nests deeper than MaxDepth, and what is wrong
// there, as a JSON pointer and a sentence without a subject. Both are empty if
// nothing is.
func Shape(body []byte) (at, fault string) {
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowInvalidUTF8(true)) // also halves of surrogate pairs
	for {
		_, err := dec.ReadToken()
		switch twice, _ := errors.AsType[*jsontext.SyntacticError](err); {
		case errors.Is(err, jsontext.ErrDuplicateName):
			return string(twice.JSONPointer), "is given twice"
		case err != nil: // the end; another fault is for the decoder
			return "", ""
		case dec.StackDepth() > MaxDepth:
			return string(dec.StackPointer()), "nests deeper than " + strconv.Itoa(MaxDepth) + " levels"
		}
	}
}
