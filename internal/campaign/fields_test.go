package campaign_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/sendoff/sendoff/internal/campaign"
)

// FuzzParseFields compares the quick reader with encoding/json, also with a name
// that is added.
func FuzzParseFields(f *testing.F) {
	for text, plain := range map[string]bool{
		`{}`: true, `{ }`: false, `{"a": "b", "c": "é"}`: true, `{"a":"1","a":"2"}`: true, `{"a": ""}`: true, `{"":"x"}`: true,
		`{"a": 1}`: false, `{"a": "\n"}`: false, `{"a":"b",}`: false, `{,}`: false, `{"a" "b"}`: false, `{"a":"b"}}`: false, `{"a":"b"} `: false,
		`{"a":{"b":"c"},"d":null}`: false, `[]`: false, `null`: false, ``: false, `{`: false, `}`: false, "{\"a\":\"\xff\"}": false,
		"{\"a\":\"b\x01\"}": false, `{"a":"b" "c":"d"}`: false, `{"a":"b",  "c":"d"  }`: true,
	} {
		_, got, _ := campaign.ParseFields(text)
		if got != plain {
			f.Errorf("%s: plain %t", text, got)
		}
		f.Add(text, "Ada")
		f.Add(text, "Ada \"Q\"")
		f.Add(text, `" `)
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		var want campaign.Fields
		wrong := json.Unmarshal([]byte(text), &want)
		got, plain, err := campaign.ParseFields(text)
		if (err == nil) != (wrong == nil) || !maps.Equal(got, want) {
			t.Fatalf("%q: %v %v, want %v %v", text, got, err, want, wrong)
		}
		if !plain {
			return
		}
		b, _ := json.Marshal(name)
		_ = json.Unmarshal(b, &name) // invalid UTF-8 is replaced
		with := campaign.AddField(text, "name", name)
		want["name"] = name
		if got, _, err := campaign.ParseFields(with); err != nil || !maps.Equal(got, want) {
			t.Fatalf("%s: %v, %v", with, got, err)
		}
	})
}
