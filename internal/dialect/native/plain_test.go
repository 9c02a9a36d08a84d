package native

import (
	"encoding/json"
	"reflect"
	"testing"
)

// The bodies of nearly all clients: they must be read the short way.
var plainBodies = []string{
	`{"channel":1,"to":"+919876520000","lane":"normal","reference":"cost-1","type":"template",` +
		`"template":{"name":"order_confirmation","language":"en","variables":["Ada","A-1","9.90"]}}`,
	`{"to":"+4915112345678","type":"text","text":{"body":"Ihr Code: 1234 äöü","preview_url":true}}`,
	` { "channel" : "ch_a" , "to" : "+14155550100" , "type" : "text" , "text" : { "body" : "a\nb\t\"c\" \u00e9 \ud83d\ude00 \ud83d" } } `,
	`{"to":"+14155550100","type":"template","template":{"id":7,"variables":{"name":"Ada","Order":12,"a\tb":""}}}`,
	`{"to":"+1","type":"template","template":{"name":"n","language":"en","variables":[]},"user_id":"u","simulate":false}`,
	`{"to":"+1","type":"template","template":{"name":"n","language":"en","variables":{}}}`,
	`{"to":"+1","type":"text","text":{"body":"x"},"metadata":{"a":[1,{"b":"}]"}],"c":null},"ttl_seconds":60,"simulate":true}`,
	`{"to":"+1","type":"text","text":{"body":"x"},"send_at":"2026-01-02T15:04:05+05:30","expires_at":"2026-01-03T00:00:00Z"}`,
	"{\r\n\t\"to\":\"+1\"}\n",
}

// Bodies that are left to encoding/json, for what it returns or refuses.
var otherBodies = []string{
	``, ` `, `{}`, `[]`, `null`, `"a"`, `{"to":""}`, `{"to":null}`, `{"to":"+1"`, `{"to":"+1"}}`, `{"to":"+1"} {}`, `{"to":"+1",}`,
	`{"to" "+1"}`,
	`{"to":"+1","to":"+2"}`, `{"To":"+1"}`, `{"to":"+1","nonsense":1}`, `{"to":1}`, `{"to":{"phone":"+1"}}`, `{"to":"+1","channel":01}`,
	`{"to":"+1","channel":1.0}`, `{"to":"+1","channel":-1}`, `{"to":"+1","channel":true}`, `{"to":"+1","channel":1e2}`, "{\"to\":\"a\x01\"}",
	`{"to":"\u0000"}`, "{\"to\":\"\xff\"}", `{"to":"\x"}`, `{"to":"+1","simulate":truex}`, `{"to":"+1","simulate":1}`,
	`{"to":"+1","ttl_seconds":0}`,
	`{"to":"+1","ttl_seconds":60.0}`, `{"to":"+1","ttl_seconds":99999999999999999999}`, `{"to":"+1","send_at":"yesterday"}`,
	`{"to":"+1","send_at":""}`,
	`{"to":"+1","metadata":{"a":}}`, `{"to":"+1","metadata":[1]}`, `{"to":"+1","metadata":{"a":[}]}`, `{"to":"+1","metadata":null}`,
	`{"to":"+1","text":{"body":"a","body":"b"}}`, `{"to":"+1","text":"a"}`, `{"to":"+1","text":null}`,
	`{"to":"+1","image":{"link":"https://example.com/a.png"}}`,
	`{"to":"+1","template":{"name":"a","variables":["x"],"components":[{"type":"body"}]}}`, `{"to":"+1","template":{"variables":[1.5,-2]}}`,
	`{"to":"+1","template":{"variables":[null]}}`, `{"to":"+1","template":{"variables":"x"}}`,
	`{"to":"+1","template":{"language":{"code":"en"}}}`,
	`{"to":"+1","template":{"id":0}}`, `{"to":"+1","template":{"id":"7"}}`, `{"to":"+1","template":{"variables":["a",]}}`,
	`{"to":"+1","template":{"header_media_url":"x"}}`,
}

func TestDecodePlain_UsualBodies_ReadTheShortWay(t *testing.T) {
	t.Parallel()
	for _, body := range plainBodies {
		if _, ok := decodePlain([]byte(body)); !ok {
			t.Errorf("%s goes the long way", body)
		}
		agree(t, []byte(body))
	}
}

func TestDecodePlain_OtherBodies_LeftToEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, body := range otherBodies {
		if d, ok := decodePlain([]byte(body)); ok {
			t.Errorf("%s goes the short way: %+v", body, d)
		}
	}
}

// agree checks that the short way, if it takes the body, returns what
// encoding/json returns.
func agree(t *testing.T, body []byte) {
	t.Helper()
	short, ok := decodePlain(body)
	if !ok {
		return
	}
	long, err := decode(body)
	if err != nil || !reflect.DeepEqual(short, long) {
		a, _ := json.Marshal(short)
		b, _ := json.Marshal(long)
		t.Errorf("%s is read as\n%s and by encoding/json as\n%s, %v", body, a, b, err)
	}
}

func FuzzPlain(f *testing.F) {
	for _, body := range append(plainBodies, otherBodies...) {
		f.Add([]byte(body))
	}
	f.Fuzz(agree)
}

// A message's way to the database begins with few allocations: that is what the
// short way is for.
func TestDecode_Template_FewAllocations(t *testing.T) {
	body := []byte(plainBodies[0])
	if n := testing.AllocsPerRun(100, func() { _, _ = Decode(body) }); n > 6 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	for name, read := range map[string]func([]byte) error{
		"short": func(body []byte) error { _, err := Decode(body); return err },
		"long":  func(body []byte) error { _, err := decode(body); return err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			body := []byte(plainBodies[0])
			for b.Loop() {
				if err := read(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
