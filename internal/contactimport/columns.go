package contactimport

import (
	"slices"
	"strings"
	"unicode"

	"github.com/sendoff/sendoff/internal/storable"
)

// targetKind is what a column holds.
type targetKind uint8

const (
	toNothing targetKind = iota
	toPhone
	toWaID
	toUserID
	toName
	toTimeZone
	toField  // one of the contact's own fields
	toFields // a JSON object of several
)

// target is where the values of a column go.
type target struct {
	kind targetKind
	key  string // of toField
}

const fieldPrefix = "fields."

var targetNames = map[string]targetKind{
	"-": toNothing, "phone": toPhone, "wa_id": toWaID, "user_id": toUserID, "name": toName, "time_zone": toTimeZone, "fields": toFields,
}

// parseTarget reads the second half of a mapping.
func parseTarget(s string) (target, bool) {
	if key, ok := strings.CutPrefix(s, fieldPrefix); ok {
		return target{kind: toField, key: key}, key != ""
	}
	kind, ok := targetNames[s]
	return target{kind: kind}, ok
}

// String returns the target as mappings and reports write it.
func (t target) String() string {
	if t.kind == toField {
		return fieldPrefix + t.key
	}
	for name, kind := range targetNames {
		if kind == t.kind {
			return name
		}
	}
	return "-"
}

// Column is one column of a file and where its values go.
type Column struct {
	Name   string `json:"name"`
	Field  string `json:"field"`
	Sample string `json:"sample"`

	target target
	key    []byte // "key": in JSON
}

// columnTable assigns the columns of a file.
type columnTable struct {
	columns []Column
	taken   map[target]bool
	set     map[string]target // by the client
}

// resolveColumns assigns names to targets: first what the client set, then the
// phone column by name or content, then each column the field of its name. A
// column whose field is taken goes to the contact's own fields.
func resolveColumns(names []string, samples []record, o *Options) (*columnTable, error) {
	set, err := o.mappings()
	if err != nil {
		return nil, err
	}
	if err := setPhone(set, names, samples, o.PhoneColumn); err != nil {
		return nil, err
	}
	t := &columnTable{taken: map[target]bool{}, set: set}
	for column, to := range set {
		if !slices.Contains(names, column) {
			return nil, noColumn(column, names)
		}
		t.taken[to] = true
	}
	t.add(names)
	if len(names) == 0 && len(samples) > 0 && samples[0].fault != nil { // no object in sight
		return nil, refuse("no_objects", "line %d: %s", samples[0].line, storable.Clean(samples[0].fault.Reason))
	}
	if !t.taken[target{kind: toPhone}] && !t.taken[target{kind: toWaID}] && !t.taken[target{kind: toUserID}] {
		return nil, refuse("no_phone_column", "no column with phone numbers among %s: set phone_column", listNames(names))
	}
	t.sample(samples)
	return t, nil
}

// setPhone chooses the phone column unless the client did.
func setPhone(set map[string]target, names []string, samples []record, wanted string) error {
	phone := target{kind: toPhone}
	for column, t := range set {
		if t == phone {
			if wanted != "" && wanted != column {
				return refuse("mapped_twice", "columns %q and %q are both mapped to phone", column, wanted)
			}
			return nil
		}
	}
	if wanted == "" {
		wanted = findPhoneColumn(names, samples, set)
	}
	if wanted != "" {
		set[wanted] = phone
	}
	return nil
}

// add appends columns that came up, as objects may bring new keys in any line.
func (t *columnTable) add(names []string) {
	for _, name := range names[len(t.columns):] {
		to, ok := t.set[name]
		if !ok {
			to = t.byName(name)
		}
		t.taken[to] = true
		c := Column{Name: name, Field: to.String(), target: to}
		if to.kind == toField {
			c.key = append(marshalJSON(to.key), ':')
		}
		t.columns = append(t.columns, c)
	}
}

// byName returns the default target of a column.
func (t *columnTable) byName(name string) target {
	if name == "" || name[0] == '_' {
		return target{}
	}
	to, ok := parseTarget(name)
	if !ok || name == "-" {
		to, ok = target{kind: aliases[squash(name)]}, aliases[squash(name)] != toNothing
	}
	if !ok || t.taken[to] {
		to = target{kind: toField, key: name}
	}
	if t.taken[to] { // fields.x and x
		return target{}
	}
	return to
}

// aliases are other spellings of our fields, squashed. Ids have none: the user
// id of another system is not ours.
var aliases = map[string]targetKind{"name": toName, "timezone": toTimeZone}

// sample sets each column's first value.
func (t *columnTable) sample(records []record) {
	for i := range records {
		for k := range min(len(records[i].cells), len(t.columns)) {
			if t.columns[k].Sample == "" {
				t.columns[k].Sample = storable.Clean(cut(records[i].cells[k].text))
			}
		}
	}
}

// headerNames returns the names of a header. They are unique, except empty ones.
func headerNames(cells []cell) ([]string, error) {
	if len(cells) > maxColumns {
		return nil, refuse("too_many_columns", "the header has more than 10,000 columns")
	}
	names := make([]string, len(cells))
	seen := map[string]bool{}
	for i := range cells {
		name := cells[i].text
		if !strings.HasPrefix(name, fieldPrefix) { // our own export is exact
			name = strings.TrimFunc(stripInvisible(name), unicode.IsSpace)
		}
		if cells[i].bad != "" && len(name) > maxShown {
			return nil, refuse("bad_header", "the name of column %d is too long", i+1)
		}
		if fault := textFault(name); fault != "" {
			return nil, refuse("bad_header", "the name of column %d: %s", i+1, fault)
		}
		if seen[name] && name != "" {
			return nil, refuse("duplicate_column", "two columns are called %q: give each its own name", cut(name))
		}
		names[i], seen[name] = name, true
	}
	return names, nil
}

func noColumn(column string, names []string) error {
	return refuse("no_such_column", "no column is called %q; the file has %s", cut(column), listNames(names))
}

// listNames returns the first names of a list, for an error.
func listNames(names []string) string {
	const shown = 20
	var quoted []string
	for _, n := range names {
		if len(quoted) == shown {
			quoted = append(quoted, "...")
			break
		}
		quoted = append(quoted, `"`+cut(n)+`"`)
	}
	return strings.Join(quoted, ", ")
}
