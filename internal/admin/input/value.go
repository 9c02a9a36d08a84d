package input

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Optional is a field of a change that may be left out, be null or have a value.
type Optional[T any] struct {
	Set   bool
	Value *T // nil: null
}

// Some returns an Optional with a value.
func Some[T any](v T) Optional[T] { return Optional[T]{Set: true, Value: &v} }

// Null returns an Optional that is null.
func Null[T any]() Optional[T] { return Optional[T]{Set: true} }

func (o *Optional[T]) decode(f *dispatch.Faults, at string, raw json.RawMessage) {
	o.Set, o.Value = true, nil
	if string(bytes.TrimSpace(raw)) != "null" {
		o.Value = new(T)
		decode(f, at, raw, reflect.ValueOf(o.Value).Elem())
	}
}

func (o Optional[T]) content() any {
	if o.Value == nil {
		return nil
	}
	return *o.Value
}

// Raw is JSON that its use case reads itself.
type Raw json.RawMessage

func (r *Raw) decode(_ *dispatch.Faults, _ string, raw json.RawMessage) { *r = bytes.Clone(raw) }

// Object is a JSON object with any fields.
type Object json.RawMessage

// UnmarshalJSON keeps the object in a form that Postgres stores: encoded again,
// without halves of surrogate pairs. An error is a Rule.
func (o *Object) UnmarshalJSON(b []byte) error {
	var v map[string]any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if dec.Decode(&v) != nil || v == nil {
		return Rule("must be an object")
	}
	clean, err := json.Marshal(v)
	if err != nil {
		return Rule("must be an object")
	}
	*o = clean
	return nil
}

// MarshalJSON returns the object, {} for an empty one.
func (o Object) MarshalJSON() ([]byte, error) {
	if len(o) == 0 {
		return []byte("{}"), nil
	}
	return o, nil
}

// Credits is an amount of credits in millionths.
type Credits int64

var creditsForm = regexp.MustCompile(`^([+-]?)(\d{1,9})(?:\.(\d{1,6})0*)?$`)

// badCredits is the rule for an amount, in words.
const badCredits Rule = "must be a plain number below a thousand million with at most six decimals"

// ParseCredits reads a decimal number with at most nine digits before and six
// after the point. An error is a Rule.
func ParseCredits(s string) (Credits, error) {
	m := creditsForm.FindStringSubmatch(s)
	if m == nil {
		return 0, badCredits
	}
	n, err := strconv.ParseInt(m[2]+(m[3] + "000000")[:6], 10, 64)
	if err != nil {
		return 0, badCredits
	}
	if m[1] == "-" {
		n = -n
	}
	return Credits(n), nil
}

// UnmarshalJSON reads a JSON number. An error is a Rule.
func (c *Credits) UnmarshalJSON(b []byte) (err error) {
	*c, err = ParseCredits(string(b))
	return err
}

// MarshalJSON writes a JSON number.
func (c Credits) MarshalJSON() ([]byte, error) { return []byte(c.String()), nil }

// String returns the amount as a decimal number without trailing zeros.
func (c Credits) String() string {
	sign, n := "", uint64(c)
	if c < 0 {
		sign, n = "-", uint64(-(c+1))+1 // -math.MinInt64 does not fit
	}
	whole, part := n/1_000_000, n%1_000_000
	s := sign + strconv.FormatUint(whole, 10)
	if part > 0 {
		s += "." + strings.TrimRight(strconv.FormatUint(part+1_000_000, 10)[1:], "0")
	}
	return s
}

// Set changes into to v, unless v is nil.
func Set[T any](into, v *T) {
	if v != nil {
		*into = *v
	}
}

// Given returns the names of the fields of in, a pointer to a struct, that are
// given, sorted.
func Given(in any) []string {
	var names []string
	for name, field := range fields(reflect.ValueOf(in).Elem()) {
		if !field.value.IsZero() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
