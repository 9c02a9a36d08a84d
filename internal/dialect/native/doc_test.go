package native

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestDoc_DescribesWhatIsRead compares the described fields with those that are
// read, both ways, and requires a description of each.
func TestDoc_DescribesWhatIsRead(t *testing.T) {
	t.Parallel()
	for read, described := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[message]():  reflect.TypeFor[SendRequest](),
		reflect.TypeFor[template](): reflect.TypeFor[TemplateRequest](),
	} {
		have, want := fields(described), fields(read)
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if _, ok := have[name]; !ok {
				t.Errorf("%s.%s is read but not described", read, name)
			}
		}
		for name, f := range have {
			if _, ok := want[name]; !ok {
				t.Errorf("%s.%s is described but not read", described, name)
			}
			if f.Tag.Get("doc") == "" && f.Tag.Get("enum") == "" {
				t.Errorf("%s.%s has no description", described, name)
			}
		}
	}
}

// fields returns the fields of a struct by their JSON names.
func fields(rt reflect.Type) map[string]reflect.StructField {
	all := map[string]reflect.StructField{}
	for f := range rt.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		all[name] = f
	}
	return all
}
