package message

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// What is written by hand is what encoding/json writes.
func TestReceiptBody_JSON_AsEncodingJSON(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 11, 29, 8, 0, 0, 120_000, time.FixedZone("", 3600))
	id := dispatch.NewID()
	for _, r := range []dispatch.Receipt{
		{ID: id, Status: dispatch.Queued, To: "+4915112345678", Channel: 7, CreatedAt: made},
		{ID: id, Status: dispatch.Queued, To: "+4915112345678", Channel: 7, CreatedAt: made, Segments: 3, Price: 1_250_000},
		{ID: id, Status: dispatch.Scheduled, To: "+4915112345678", Channel: 7, CreatedAt: made, SendAt: made},
		{ID: id, Status: dispatch.Queued, To: "DE.1A2B", Channel: 7, CreatedAt: made},
		{Status: dispatch.Simulated, To: "+4915112345678", Channel: 7, WouldSend: json.RawMessage(`{"type":"text"}`)},
		{ID: id, Status: dispatch.Queued, Channel: 7},
	} {
		b := newReceiptBody(&r)
		want, err := json.Marshal(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(appendReceipt(nil, &r, r.ID.String())); got != string(want)+"\n" {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestBatchRun_Collect_AsEncodingJSON(t *testing.T) {
	t.Parallel()
	id := dispatch.NewID()
	b := &batchRun{}
	b.collect(&page{first: 1200, receipts: []dispatch.Receipt{{ID: id, Status: dispatch.Queued}, {Status: dispatch.Simulated}}})
	out, err := b.out.reader()
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(out)
	for _, want := range []result{{Index: 1200, ID: &id, Status: "queued"}, {Index: 1201, Status: "simulated"}} {
		var got json.RawMessage
		if err := dec.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if w, _ := json.Marshal(want); string(got) != string(w) {
			t.Errorf("%s, want %s", got, w)
		}
	}
	if b.accepted != 2 {
		t.Errorf("%d accepted", b.accepted)
	}
}

func TestNDJSONLines_CutsLongOnesAndGoesOn(t *testing.T) {
	t.Parallel()
	lines := newNDJSON(strings.NewReader("{\"a\":1}\n\n  {\"b\":2} \r\n" + strings.Repeat("x", maxLine+10) + "\n{\"c\":3}"))
	var got []string
	for range 4 {
		line, err := lines.next()
		switch {
		case errors.Is(err, errLong):
			got = append(got, "long")
		case err != nil:
			t.Fatal(err)
		default:
			got = append(got, string(line))
		}
	}
	if want := `{"a":1} {"b":2} long {"c":3}`; strings.Join(got, " ") != want {
		t.Errorf("%q, want %q", got, want)
	}
}
