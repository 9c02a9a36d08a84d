package input_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/admin/input"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// common is embedded, as the fields that a creation and a change share.
type common struct {
	Name *string   `json:"name,omitempty" minLength:"2" maxLength:"5"`
	Tags *[]string `json:"tags,omitempty" minItems:"1" maxItems:"2" enum:"red,green"`
}

type part struct {
	Rate *float64 `json:"rate,omitempty" minimum:"0.5" maximum:"2"`
}

// sample has a field of every type that inputs have.
type sample struct {
	common

	Text    string                    `json:"text,omitempty" minLength:"1" pattern:"^[a-z]+$" rule:"lower-case letters"`
	Count   *int                      `json:"count,omitempty" minimum:"1" maximum:"10"`
	On      *bool                     `json:"on,omitempty"`
	At      input.Optional[time.Time] `json:"at,omitzero"`
	Limit   input.Optional[int]       `json:"limit,omitzero" minimum:"1" maximum:"9"`
	Part    *part                     `json:"part,omitempty"`
	Parts   []part                    `json:"parts,omitempty"`
	Values  map[string]*string        `json:"values,omitempty"`
	Amounts map[string]input.Credits  `json:"amounts,omitempty"`
	Object  *input.Object             `json:"object,omitempty"`
	Raw     input.Raw                 `json:"raw,omitempty"`
	Hidden  string                    `json:"-"`
}

func (*sample) Required() []string { return []string{"name"} }

// faults returns the pointers and texts of a validation error.
func faults(t *testing.T, err error) map[string]string {
	t.Helper()
	if err == nil {
		return nil
	}
	e := dispatch.AsError(err)
	if e.Code != dispatch.Invalid {
		t.Fatalf("code %s: %v", e.Code, err)
	}
	out := map[string]string{}
	for _, f := range e.Faults {
		out[f.Field] = f.Msg
	}
	return out
}

func TestDecode_ReadsEveryType(t *testing.T) {
	t.Parallel()
	var in sample
	err := input.Decode(
		[]byte(
			`{"name":"abc","tags":["red"],"text":"x","count":3,"on":false,"at":"2030-01-02T03:04:05+01:00","limit":null,"part":{"rate":1},
		"parts":[{"rate":2},{}],"values":{"a":"b","gone":null},"amounts":{"default":0.5},"object":{"k":[1,"é"]},"raw":[1, "2"]}`,
		),
		&in,
	)
	if len(err) > 0 {
		t.Fatal(err)
	}
	if *in.Name != "abc" || !slices.Equal(*in.Tags, []string{"red"}) || in.Text != "x" || *in.Count != 3 || *in.On ||
		in.At.Value.Unix() != 1893549845 {
		t.Errorf("got %+v", in)
	}
	if !in.Limit.Set || in.Limit.Value != nil || *in.Part.Rate != 1 || len(in.Parts) != 2 || in.Parts[1].Rate != nil {
		t.Errorf("got %+v", in)
	}
	if v, ok := in.Values["gone"]; !ok || v != nil || *in.Values["a"] != "b" || in.Amounts["default"] != 500_000 ||
		string(*in.Object) != `{"k":[1,"é"]}` ||
		string(in.Raw) != `[1, "2"]` {
		t.Errorf("got %+v", in)
	}
}

func TestDecode_NamesEveryFault(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 102) + strings.Repeat("]", 102)
	deepest := "/raw" + strings.Repeat("/0", 99)
	for body, want := range map[string]map[string]string{
		`[]`:                           {"": "must be an object"},
		`null`:                         {"": "must be an object"},
		`"x"`:                          {"": "must be an object"},
		`{"name":7}`:                   {"/name": "must be a string"},
		`{"name":null}`:                {"/name": "must not be null"},
		`{"Name":"abc"}`:               {"/Name": "unknown field", "/name": "is required"},
		`{"name":"abc","a/b~":1}`:      {"/a~1b~0": "unknown field"},
		`{"name":"abc","Hidden":"x"}`:  {"/Hidden": "unknown field"},
		`{"name":"abc","count":1.5}`:   {"/count": "must be a whole number"},
		`{"name":"abc","count":"1"}`:   {"/count": "must be a whole number"},
		`{"name":"abc","on":"yes"}`:    {"/on": "must be true or false"},
		`{"name":"abc","at":"soon"}`:   {"/at": "must be a time such as 2026-01-02T15:04:05Z"},
		`{"name":"abc","limit":"x"}`:   {"/limit": "must be a whole number"},
		`{"name":"abc","part":[]}`:     {"/part": "must be an object"},
		`{"name":"abc","parts":{}}`:    {"/parts": "must be an array"},
		`{"name":"abc","parts":[1]}`:   {"/parts/0": "must be an object"},
		`{"name":"abc","tags":"red"}`:  {"/tags": "must be an array"},
		`{"name":"abc","values":[]}`:   {"/values": "must be an object"},
		`{"name":"abc","object":"x"}`:  {"/object": "must be an object"},
		`{"name":"abc","object":null}`: {"/object": "must not be null"},
		`{"name":"abc","values":{"a":1},"amounts":{"x":1e3,"y":1}}`: {
			"/values/a":  "must be a string",
			"/amounts/x": "must be a plain number below a thousand million with at most six decimals",
		},
		`{"name":"abc","part":{"rates":1,"rate":"x"}}`: {"/part/rates": "unknown field", "/part/rate": "must be a number"},
		`{"name":"abc","raw":["\u0000"],"count":0}`:    {"/raw/0": "must not contain NUL characters", "/count": "must be at least 1"},
		`{"name":"abc","object":{"\u0000":1}}`:         {"/object": "must not have NUL characters in a field name"},
		`{"name":"abc","raw":{"a~/":1e999}}`:           {"/raw/a~0~1": "the number is out of range"},
		`{"name":"abc","name":"abd","x":1}`:            {"/name": "is given twice", "/x": "unknown field"},
		`{"name":"abc","raw":` + deep + `,"x":1}`:      {deepest: "nests deeper than 100 levels", "/x": "unknown field"},
		// A fault of the type is reported together with the limits of other fields, never with its own.
		`{"name":1,"count":99,"x":1}`: {"/name": "must be a string", "/count": "must be at most 10", "/x": "unknown field"},
	} {
		var in sample
		if got := faults(t, input.Decode([]byte(body), &in).Err()); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
}

// What only breaks a limit is left to Check, which use cases call.
func TestDecode_LimitsAlone_AreLeftToCheck(t *testing.T) {
	t.Parallel()
	var in sample
	if err := input.Decode([]byte(`{"count":99}`), &in); len(err) > 0 {
		t.Errorf("got %v", err)
	}
	if got := faults(t, input.Check(&in).Err()); !maps.Equal(
		got,
		map[string]string{"/name": "is required", "/count": "must be at most 10"},
	) {
		t.Errorf("got %v", got)
	}
}

func TestCheck_Limits(t *testing.T) {
	t.Parallel()
	name := func(s string) sample { return sample{common: common{Name: &s}} }
	with := func(change func(*sample)) sample { in := name("abc"); change(&in); return in }
	for want, in := range map[string]sample{
		"":                                      name("abc"),
		"/name must not be empty":               name("   "),
		"/name must have at least 2 characters": name("a"),
		"/name must have at most 5 characters":  name("ääääää"),
		"/name must be UTF-8 without NUL characters":  name("ab\x00"),
		"/name must be UTF-8 without NUL characters ": name("ab\xff"),
		"/tags must have at least 1 entry":            with(func(s *sample) { s.Tags = &[]string{} }),
		"/tags must have at most 2 entries":           with(func(s *sample) { s.Tags = &[]string{"red", "red", "red"} }),
		"/tags/1 must be one of red, green":           with(func(s *sample) { s.Tags = &[]string{"red", "blue"} }),
		"/text must be lower-case letters":            with(func(s *sample) { s.Text = "A" }),
		"/count must be at least 1":                   with(func(s *sample) { s.Count = new(0) }),
		"/limit must be at most 9":                    with(func(s *sample) { s.Limit = input.Some(10) }),
		" ":                                           with(func(s *sample) { s.Limit = input.Null[int]() }),
		"/part/rate must be at least 0.5":             with(func(s *sample) { s.Part = &part{Rate: new(0.1)} }),
		"/parts/1/rate must be at most 2":             with(func(s *sample) { s.Parts = []part{{}, {Rate: new(2.1)}} }),
		"/values/a~1b must be UTF-8 without NUL characters": with(func(s *sample) {
			s.Values = map[string]*string{
				"a/b":  new("\x00"),
				"gone": nil,
			}
		}),
	} {
		var got []string
		for _, f := range input.Check(&in) {
			got = append(got, f.Field+" "+f.Msg)
		}
		if strings.Join(got, "; ") != strings.TrimSpace(want) {
			t.Errorf("%v, want %q", got, want)
		}
	}
}

func TestGiven_NamesWhatChanges(t *testing.T) {
	t.Parallel()
	in := sample{Count: new(0), Limit: input.Null[int](), Values: map[string]*string{}, common: common{Name: new("x")}}
	if got := input.Given(&in); !slices.Equal(got, []string{"count", "limit", "name", "values"}) {
		t.Errorf("got %v", got)
	}
	if got := input.Given(&sample{Hidden: "x"}); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestCredits_ParseAndPrint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]input.Credits{
		"0": 0, "1": 1_000_000, "-0.5": -500_000, "+2": 2_000_000, "0.000001": 1, "999999999.999999": 999_999_999_999_999,
		"1.50000000": 1_500_000, "007": 7_000_000,
	} {
		if got, err := input.ParseCredits(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "-", ".5", "1.", "1e3", "0.0000001", "1000000000", "1 000", "0x1", "NaN", "--1", "1,5", `"1"`} {
		if got, err := input.ParseCredits(text); err == nil || !strings.HasPrefix(err.Error(), "must be a plain number") {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		c := input.Credits(rapid.Int64Range(-999_999_999_999_999, 999_999_999_999_999).Draw(rt, "credits"))
		if back, err := input.ParseCredits(c.String()); err != nil || back != c {
			rt.Errorf("%d prints as %s, which is %d, %v", c, c, back, err)
		}
	})
}

func TestCredits_Smallest_IsPrinted(t *testing.T) {
	t.Parallel()
	if got := input.Credits(-1 << 63).String(); got != "-9223372036854.775808" {
		t.Errorf("got %s", got)
	}
}

func TestObject_IsEncodedAnew(t *testing.T) {
	t.Parallel()
	var o input.Object
	if err := json.Unmarshal([]byte(` { "b" : 1e2, "a":"\ud800" } `), &o); err != nil || string(o) != `{"a":"`+"\ufffd"+`","b":1e2}` {
		t.Errorf("%s, %v", o, err)
	}
	if b, err := json.Marshal(struct{ O input.Object }{}); err != nil || string(b) != `{"O":{}}` {
		t.Errorf("%s, %v", b, err)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"a":[1,{"b":null}]}`: "",
		``:                     "malformed_request: the body is empty; a JSON object is expected",
		" \n":                  "malformed_request: the body is empty; a JSON object is expected",
		"{\"a\":\"\xff\"}":     "malformed_request: the body must be UTF-8 without NUL characters",
		`{"a":`:                "malformed_request: not valid JSON",
		`{"a":tru}`:            "malformed_request: not valid JSON at byte 9",
		`{} {}`:                "malformed_request: there is more after the JSON value",
	} {
		err := input.CheckJSON([]byte(body))
		if got := fmt.Sprint(err); (want == "") != (err == nil) || (err != nil && !strings.Contains(got, want)) {
			t.Errorf("%.40s: %v, want %q", body, err, want)
		}
	}
}

// Whatever is decoded can be encoded and decoded again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"name":"abc","values":{"a":null},"amounts":{"x":1},"limit":null}`))
	f.Add([]byte(`{"parts":[{"rate":1}],"object":{},"raw":0,"at":"2030-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var in, again sample
		if len(input.Decode(body, &in)) > 0 {
			return
		}
		if err := input.Decode(body, &again); len(err) > 0 || !reflect.DeepEqual(in, again) {
			t.Errorf("%s: %+v, then %+v, %v", body, in, again, err)
		}
		input.Check(&in)
	})
}
