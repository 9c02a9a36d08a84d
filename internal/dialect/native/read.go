package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// readAgain is the size up to which a faulty body is read once more: as a tree of values
// it takes some ten times its bytes, and whoever posts the worst bodies must not fill the
// memory of serve.
const readAgain = 16 << 10

// Read is Decode for a message that accept checks next: a body with faults is read
// without the fields that have them, and the draft holds the faults. So a client is
// told of all at once, those that only accept can find included. Of a larger body than
// readAgain it is told what Decode finds.
func Read(body []byte) (dispatch.Draft, error) {
	d, err := Decode(body)
	faults, rest := apart(body, err)
	if rest == nil {
		return d, err
	}
	d, again := Decode(rest)
	if again != nil {
		return d, err
	}
	named := func(f dispatch.Fault) bool { return f.Field == "/type" }
	if d.Content.Type == "" && !slices.ContainsFunc(faults, named) {
		faults = append(faults, dispatch.Fault{Field: "/type", Msg: dispatch.TypeRequired})
	}
	d.Faults = append(faults, d.Faults...)
	return d, nil
}

// Fill reads JSON into v, a pointer to a struct, as Strict does, but for the fields that have
// faults, which it returns: its caller adds those of the others. Of a larger body than
// readAgain with faults it returns them as Strict does.
func Fill(body []byte, v any) (dispatch.Faults, error) {
	err := Strict(body, v)
	faults, rest := apart(body, err)
	if rest == nil {
		return nil, err
	}
	reflect.ValueOf(v).Elem().SetZero()
	if Strict(rest, v) != nil {
		return nil, err
	}
	return faults, nil
}

// apart returns the faults of err, with which body was refused, and body without the fields
// that have them; nil if it can't be read without these, or is larger than readAgain.
func apart(body []byte, err error) (faults dispatch.Faults, rest []byte) {
	refusal, ok := errors.AsType[*dispatch.Error](err)
	if !ok || refusal.Code != dispatch.Invalid || len(refusal.Faults) == 0 || len(body) > readAgain {
		return nil, nil
	}
	return refusal.Faults, without(body, refusal.Faults)
}

// without returns body without the fields at fault; an entry of a list becomes
// null. It returns nil if body is no object, or itself at fault.
func without(body []byte, faults dispatch.Faults) []byte {
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&tree) != nil || tree == nil {
		return nil
	}
	for _, f := range faults {
		steps := strings.Split(f.Field, "/")
		if len(steps) < 2 {
			return nil
		}
		remove(tree, steps[1:])
	}
	rest, err := json.Marshal(tree)
	if err != nil {
		return nil
	}
	return rest
}

var unescapes = strings.NewReplacer("~1", "/", "~0", "~")

// remove removes the value that the steps of a JSON pointer lead to.
func remove(v any, steps []string) {
	name := unescapes.Replace(steps[0])
	last := len(steps) == 1
	switch v := v.(type) {
	case map[string]any:
		if last {
			delete(v, name)
			return
		}
		remove(v[name], steps[1:])
	case []any:
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return
		}
		if last {
			v[i] = nil
			return
		}
		remove(v[i], steps[1:])
	}
}
