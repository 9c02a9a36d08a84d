package dialect_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// read parses body as a JSON request.
func read(t *testing.T, body string) dialect.Object {
	t.Helper()
	o, err := dialect.ReadObject(&http.Request{Header: http.Header{}}, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestReadObject_RefusesWhatIsNoObject(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              dispatch.Code
	}{
		{"", " ", dispatch.Malformed},
		{"application/json", "null", dispatch.Malformed},
		{"application/json", "[]", dispatch.Malformed},
		{"application/json", `{"a":1}{"b":2}`, dispatch.Malformed},
		{"application/json", strings.Repeat(`{"a":`, 20000), dispatch.Malformed},
		{"application/json", `{"a":"\u0000"}`, dispatch.Malformed},
		{"application/json", `{"a":"\\\u0000"}`, dispatch.Malformed},
		{"application/json", `{"a":"\\u0000"}`, ""},
		{"application/json", "{\"a\":\"\xff\"}", dispatch.Malformed},
		{"text/json", "{}", dispatch.UnsupportedMedia},
		{"Application/JSON;charset=UTF-8", "{}", ""},
		{"application/vnd.api+json", "{}", ""},
	} {
		_, err := dialect.ReadObject(&http.Request{Header: http.Header{"Content-Type": {c.contentType}}}, []byte(c.body))
		switch {
		case err == nil && c.want != "":
			t.Errorf("%q %.20q is accepted", c.contentType, c.body)
		case err != nil && dispatch.CodeOf(err) != c.want:
			t.Errorf("%q %.20q gives %v, want %q", c.contentType, c.body, err, c.want)
		}
	}
}

func TestObject_EveryFaultIsNamed(t *testing.T) {
	o := read(t, `{"s":1,"b":"x","n":1.5,"id":"x","o":[],"list":{},"map":[],"in":{"deep":{"s":2}},"blank":" ","mixed":["a",1,true]}`)
	o.Text("s")
	o.Bool("b")
	o.Int("n")
	o.ID("id")
	o.Object("o")
	o.Strings("list")
	o.Values("map")
	o.Object("in").Object("deep").Text("s")
	o.Required("blank")
	o.Required("absent")
	if got := o.Strings("mixed"); !cmp.Equal(got, []string{"a", "1", ""}) {
		t.Errorf("mixed gives %q", got)
	}
	var got []string
	for _, f := range dispatch.AsError(o.Err()).Faults {
		got = append(got, f.Field)
	}
	want := []string{"/s", "/b", "/n", "/id", "/o", "/list", "/map", "/in/deep/s", "/blank", "/absent", "/mixed/2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestObject_AbsentAndNullAreAlike(t *testing.T) {
	o := read(t, `{"s":null,"o":null,"m":null}`)
	if o.Has("s") || o.Text("s") != "" || o.Object("o").Text("x") != "" || o.Values("m") != nil || o.ID("none") != 0 {
		t.Error("null is not absent")
	}
	if err := o.Err(); err != nil {
		t.Error(err)
	}
}

func TestObject_IDTakesNumbersAndStrings(t *testing.T) {
	o := read(t, `{"n":7,"s":" 7 ","big":"99999999999999999999","zero":0}`)
	if o.ID("n") != 7 || o.ID("s") != 7 {
		t.Error("7 isn't read")
	}
	o.ID("big")
	o.ID("zero")
	if n := len(dispatch.AsError(o.Err()).Faults); n != 2 {
		t.Errorf("%d faults, want 2", n)
	}
}

func TestObject_KeepsOnlyWhatPostgresTakes(t *testing.T) {
	o := read(t, `{"ok":{"b":[1,"x"],"a":123456789012345678901},"half":{"a":"\ud800"},"huge":{"a":[{"b":1e999}]},"list":[]}`)
	if got := string(o.Keep("ok")); got != `{"a":123456789012345678901,"b":[1,"x"]}` {
		t.Errorf("ok gives %s", got)
	}
	if got := string(o.Keep("half")); got != "{\"a\":\"\ufffd\"}" {
		t.Errorf("half a pair gives %s", got)
	}
	if o.Keep("absent") != nil || o.Keep("huge") != nil || o.Keep("list") != nil {
		t.Error("something is kept")
	}
	if n := len(dispatch.AsError(o.Err()).Faults); n != 2 {
		t.Errorf("%d faults, want 2", n)
	}
}

func TestNames_LongestBeginningWins(t *testing.T) {
	names := dialect.Names{"/template": "template_id", "/template/variables": "variables", "/to": "phone_number"}
	for pointer, want := range map[string]string{
		"/to":                      "phone_number",
		"/template":                "template_id",
		"/template/name":           "template_id.name",
		"/template/variables/a~1b": "variables.a/b",
		"/templates":               "templates",
		"/country_code":            "country_code",
		"":                         "",
	} {
		if got := names.Path(pointer); got != want {
			t.Errorf("%q gives %q, want %q", pointer, got, want)
		}
	}
}

func TestNames_SentenceReadsOn(t *testing.T) {
	names := dialect.Names{"/template/variables": "variables"}
	for _, c := range []struct{ pointer, msg, want string }{
		{"/to", "is required", "to is required"},
		{"/to", "not a phone number: too short", "to: not a phone number: too short"},
		{"/template/variables/total", `variable "total" is missing`, `variable "total" is missing`},
		{"", "nothing to add", "nothing to add"},
	} {
		if got := names.Sentence(dispatch.Fault{Field: c.pointer, Msg: c.msg}); got != c.want {
			t.Errorf("%q %q gives %q, want %q", c.pointer, c.msg, got, c.want)
		}
	}
}
