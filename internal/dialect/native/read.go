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
	refusal, ok := errors.AsType[*dispatch.Error](err)
	if !ok || refusal.Code != dispatch.Invalid || len(refusal.Faults) == 0 || len(body) > readAgain {
		return d, err
	}
	rest, ok := without(body, refusal.Faults)
	if !ok {
		return d, err
	}
	if d, again := Decode(rest); again == nil {
		named := func(f dispatch.Fault) bool { return f.Field == "/type" }
		if d.Content.Type == "" && !slices.ContainsFunc(refusal.Faults, named) {
			refusal.Faults = append(refusal.Faults, dispatch.Fault{Field: "/type", Msg: dispatch.TypeRequired})
		}
		d.Faults = append(refusal.Faults, d.Faults...)
		return d, nil
	}
	return d, err
}

// Fill reads JSON into v, a pointer to a struct, as Strict does, but for the fields that have
// faults, which it returns: its caller adds those of the others. Of a larger body than
// readAgain with faults it returns them as Strict does.
func Fill(body []byte, v any) (dispatch.Faults, error) {
	err := Strict(body, v)
	refusal, ok := errors.AsType[*dispatch.Error](err)
	if !ok || refusal.Code != dispatch.Invalid || len(refusal.Faults) == 0 || len(body) > readAgain {
		return nil, err
	}
	rest, ok := without(body, refusal.Faults)
	reflect.ValueOf(v).Elem().SetZero()
	if !ok || Strict(rest, v) != nil {
		return nil, err
	}
	return refusal.Faults, nil
}

// without returns body without the fields at fault; an entry of a list becomes
// null. ok is false if body is no object, or itself at fault.
func without(body []byte, faults []dispatch.Fault) (rest []byte, ok bool) {
	var tree map[string]any
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&tree) != nil || tree == nil {
		return nil, false
	}
	for _, f := range faults {
		steps := strings.Split(f.Field, "/")
		if len(steps) < 2 {
			return nil, false
		}
		remove(tree, steps[1:])
	}
	rest, err := json.Marshal(tree)
	return rest, err == nil
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
