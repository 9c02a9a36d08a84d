package native

import (
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// A fault names the very field; names are matched exactly.
func TestDecode_PointersToTheField(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"TO":"+15550000100","to":"+15550000100"}`:                                                "/TO",
		`{"to":"+1","\u0054ype":"text"}`:                                                           "/Type",
		`{"to":"+1","type":"text","text":{"Body":"x"}}`:                                            "/text/Body",
		`{"to":"+1","ſend_at":"2026-01-02T15:04:05Z"}`:                                             "/ſend_at",
		`{"to":"+1","type":"template","template":{"varaibles":[]}}`:                                "/template/varaibles",
		`{"to":"+1","type":"template","template":{"components":[{},{"parameters":[{"text":1}]}]}}`: "/template/components/1/parameters/0/text",
		`{"to":"+1","send_at":1798794000}`:                                                         "/send_at",
		`{"to":"+1","send_at":"tomorrow"}`:                                                         "/send_at",
		`{"to":"+1","ttl_seconds":1.5}`:                                                            "/ttl_seconds",
		`{"to":"+1","ttl_seconds":"100"}`:                                                          "/ttl_seconds",
		`{"to":"+1","channel":[]}`:                                                                 "/channel",
		`{"to":"+1","more_media":[{"link":"https://example.com/a"},{"link":1}]}`:                   "/more_media/1/link",
		`{"to":1}`: "/to",
	} {
		_, err := Decode([]byte(body))
		e := dispatch.AsError(err)
		if err == nil || e.Code != dispatch.Invalid || len(e.Faults) != 1 || e.Faults[0].Field != want {
			t.Errorf("%s: got %v %+v, want %s", body, err, e.Faults, want)
		}
	}
}

func TestDecode_WholeNumbersAndFreeNames(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"100", "100.0", "1e2"} {
		d, err := Decode([]byte(`{"to":"+1","type":"text","text":{"body":"x"},"ttl_seconds":` + n + `}`))
		if err != nil || d.TTL.Seconds() != 100 {
			t.Errorf("%s: %v %v", n, d.TTL, err)
		}
	}
	d, err := Decode(
		[]byte(
			`{"to":"+1","type":"template","template":{"name":"a","variables":{"Name":"Ada"}},"metadata":{"TO":"x"},"reference":"A: \"B\": c"}`,
		),
	)
	if err != nil || d.Variables.Named["Name"] != "Ada" || !strings.Contains(string(d.Metadata), "TO") {
		t.Errorf("%+v %v", d, err)
	}
}
