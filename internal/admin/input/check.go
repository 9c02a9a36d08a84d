package input

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
)

// Demanding is an input with required fields. The OpenAPI description lists the
// same ones.
type Demanding interface {
	Required() []string
}

// Documented is an input or a result with descriptions of fields that its struct
// tags have no room for, by their names in JSON.
type Documented interface {
	Docs() map[string]string
}

// Check returns a fault for every limit in the struct tags of in, a pointer to a
// struct, that a given value exceeds, and for every required field that is
// missing. Fields that are not given (nil pointers, Optionals that are not set,
// zero values of other types) have no limits.
func Check(in any) dispatch.Faults {
	var f dispatch.Faults
	v := reflect.ValueOf(in).Elem()
	if d, ok := in.(Demanding); ok {
		all := map[string]reflect.Value{}
		for name, field := range fields(v) {
			all[name] = field.value
		}
		for _, name := range d.Required() {
			if all[name].IsZero() {
				f.Add("/"+name, "is required")
			}
		}
	}
	checkStruct(&f, "", v)
	return f
}

func checkStruct(f *dispatch.Faults, at string, v reflect.Value) {
	for name, field := range fields(v) {
		if !field.value.IsZero() {
			check(f, pointer(at, name), field.value, field.tag)
		}
	}
}

// optional is implemented by Optional.
type optional interface{ content() any }

func check(f *dispatch.Faults, at string, v reflect.Value, tag reflect.StructTag) {
	if o, ok := v.Interface().(optional); ok {
		v = reflect.ValueOf(o.content())
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			check(f, at, v.Elem(), tag)
		}
	case reflect.Struct:
		checkStruct(f, at, v)
	case reflect.Slice:
		checkSlice(f, at, v, tag)
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			check(f, pointer(at, key.String()), v.MapIndex(key), "")
		}
	case reflect.String:
		checkText(f, at, v.String(), tag)
	case reflect.Int, reflect.Int64:
		checkNumber(f, at, float64(v.Int()), tag)
	case reflect.Float64:
		checkNumber(f, at, v.Float(), tag)
	}
}

func checkSlice(f *dispatch.Faults, at string, v reflect.Value, tag reflect.StructTag) {
	if v.Type().Elem().Kind() == reflect.Uint8 { // raw JSON
		return
	}
	if least, ok := number(tag, "minItems"); ok && v.Len() < int(least) {
		f.Add(at, "must have at least %v", counted(least, "entry", "entries"))
	}
	if most, ok := number(tag, "maxItems"); ok && v.Len() > int(most) {
		f.Add(at, "must have at most %v", counted(most, "entry", "entries"))
		return
	}
	for i := range v.Len() {
		// Of a list's tags, those that are not about its length are its entries'.
		check(f, pointer(at, strconv.Itoa(i)), v.Index(i), tag)
	}
}

func checkText(f *dispatch.Faults, at, s string, tag reflect.StructTag) {
	n := utf8.RuneCountInString(s)
	least, _ := number(tag, "minLength")
	most, limited := number(tag, "maxLength")
	enum, pattern := tag.Get("enum"), tag.Get("pattern")
	switch {
	case !storable.Text(s):
		f.Add(at, "must be UTF-8 without NUL characters")
	case least > 0 && strings.TrimSpace(s) == "":
		f.Add(at, "must not be empty")
	case n < int(least):
		f.Add(at, "must have at least %s", counted(least, "character", "characters"))
	case limited && n > int(most):
		f.Add(at, "must have at most %s", counted(most, "character", "characters"))
	case enum != "" && !slices.Contains(strings.Split(enum, ","), s):
		f.Add(at, "must be one of %s", strings.ReplaceAll(enum, ",", ", "))
	case pattern != "" && !regexp.MustCompile(pattern).MatchString(s):
		f.Add(at, "must be %s", tag.Get("rule"))
	}
}

func checkNumber(f *dispatch.Faults, at string, n float64, tag reflect.StructTag) {
	if least, ok := number(tag, "minimum"); ok && n < least {
		f.Add(at, "must be at least %s", plain(least))
	}
	if most, ok := number(tag, "maximum"); ok && n > most {
		f.Add(at, "must be at most %s", plain(most))
	}
}

// number returns the number in a tag, and whether the tag is there.
func number(tag reflect.StructTag, name string) (float64, bool) {
	s, ok := tag.Lookup(name)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("input: tag %s: %v", name, err))
	}
	return n, true
}

func plain(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

func counted(n float64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return plain(n) + " " + many
}
