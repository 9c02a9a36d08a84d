package dispatch

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contentCase is a content in Meta's JSON and the pointers at fault, in order.
type contentCase struct {
	name, json string
	want       []string
}

func checkContents(t *testing.T, validate func(*Content) Faults, cases []contentCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var c Content
			if err := json.Unmarshal([]byte(tc.json), &c); err != nil {
				t.Fatal(err)
			}
			var got []string
			faults := validate(&c)
			for _, f := range faults {
				got = append(got, f.Field)
				if f.Msg == "" || strings.Contains(f.Msg, "%!") {
					t.Errorf("%s: message %q", f.Field, f.Msg)
				}
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("pointers (-want +got):\n%s%v", d, faults)
			}
		})
	}
}

func chars(n int) string { return strings.Repeat("é", n) }

func TestValidate_Simple(t *testing.T) {
	t.Parallel()
	checkContents(t, (*Content).Validate, []contentCase{
		{"text", `{"type":"text","text":{"body":"hi"}}`, nil},
		{"longest text, in characters", `{"type":"text","text":{"body":"` + chars(4096) + `"}}`, nil},
		{"text too long", `{"type":"text","text":{"body":"` + chars(4097) + `"}}`, []string{"/text/body"}},
		{"empty text", `{"type":"text","text":{"body":""}}`, []string{"/text/body"}},
		{"reply", `{"type":"text","text":{"body":"hi"},"context":{"message_id":"wamid.x"}}`, nil},
		{"reply to nothing", `{"type":"text","text":{"body":"hi"},"context":{}}`, []string{"/context/message_id"}},
		{"no type", `{"text":{"body":"hi"}}`, []string{"/type"}},
		{"unknown type", `{"type":"fax","text":{"body":"hi"}}`, []string{"/text", "/type"}},
		{"no object", `{"type":"text"}`, []string{"/text"}},
		{"null object", `{"type":"contacts","contacts":null}`, []string{"/contacts"}},
		{"another object", `{"type":"text","image":{"id":"1"}}`, []string{"/image", "/text"}},
		{
			"two objects",
			`{"type":"text","text":{"body":""},"image":{"id":"1"},"reaction":{}}`,
			[]string{"/image", "/reaction", "/text/body"},
		},
		{"location", `{"type":"location","location":{"latitude":37.5,"longitude":"-122.4","name":"HQ"}}`, nil},
		{"location edge", `{"type":"location","location":{"latitude":-90,"longitude":180}}`, nil},
		{"location missing", `{"type":"location","location":{"latitude":1}}`, []string{"/location/longitude"}},
		{
			"location out of range",
			`{"type":"location","location":{"latitude":90.1,"longitude":-181}}`,
			[]string{"/location/latitude", "/location/longitude"},
		},
		{
			"contacts",
			`{"type":"contacts","contacts":[{"name":{"formatted_name":"Ann","first_name":"Ann"},"phones":[{"phone":"+1"}]}]}`,
			nil,
		},
		{"contacts empty", `{"type":"contacts","contacts":[]}`, []string{"/contacts"}},
		{"contacts not an array", `{"type":"contacts","contacts":{"name":{}}}`, []string{"/contacts"}},
		{
			"contacts unnamed",
			`{"type":"contacts","contacts":[{"name":{"formatted_name":"Ann"}},{},{"name":"Bob"},7]}`,
			[]string{"/contacts/1/name/formatted_name", "/contacts/2", "/contacts/3"},
		},
		{"reaction", `{"type":"reaction","reaction":{"message_id":"wamid.x","emoji":"👩‍👩‍👧‍👦"}}`, nil},
		{"reaction taken back", `{"type":"reaction","reaction":{"message_id":"wamid.x","emoji":""}}`, nil},
		{"reaction to nothing", `{"type":"reaction","reaction":{"emoji":"x"}}`, []string{"/reaction/message_id"}},
	})
}

func TestValidate_Media(t *testing.T) {
	t.Parallel()
	const link = `"link":"https://example.com/a.png"`
	checkContents(t, (*Content).Validate, []contentCase{
		{"image by link", `{"type":"image","image":{` + link + `,"caption":"look"}}`, nil},
		{"image by id", `{"type":"image","image":{"id":"123"}}`, nil},
		{"neither", `{"type":"image","image":{"caption":"look"}}`, []string{"/image"}},
		{"both", `{"type":"video","video":{"id":"1",` + link + `}}`, []string{"/video"}},
		{"document", `{"type":"document","document":{` + link + `,"filename":"a.pdf","caption":"c"}}`, nil},
		{"file name of an image", `{"type":"image","image":{` + link + `,"filename":"a.png"}}`, []string{"/image/filename"}},
		{"caption of audio", `{"type":"audio","audio":{` + link + `,"caption":"c"}}`, []string{"/audio/caption"}},
		{
			"caption of sticker",
			`{"type":"sticker","sticker":{"id":"1","caption":"c","filename":"f"}}`,
			[]string{"/sticker/caption", "/sticker/filename"},
		},
		{"longest caption", `{"type":"video","video":{` + link + `,"caption":"` + chars(1024) + `"}}`, nil},
		{"caption too long", `{"type":"video","video":{` + link + `,"caption":"` + chars(1025) + `"}}`, []string{"/video/caption"}},
		{"relative link", `{"type":"image","image":{"link":"/a.png"}}`, []string{"/image/link"}},
		{"other scheme", `{"type":"image","image":{"link":"ftp://example.com/a.png"}}`, []string{"/image/link"}},
		{"script", `{"type":"image","image":{"link":"javascript:alert(1)"}}`, []string{"/image/link"}},
		{"no host", `{"type":"image","image":{"link":"https:///a.png"}}`, []string{"/image/link"}},
		{"port, no host", `{"type":"image","image":{"link":"https://:80/a.png"}}`, []string{"/image/link"}},
		{"space", `{"type":"image","image":{"link":"https://example.com/a b.png"}}`, []string{"/image/link"}},
		{
			"link too long",
			`{"type":"image","image":{"link":"https://example.com/` + strings.Repeat("a", 2048) + `"}}`,
			[]string{"/image/link"},
		},
		{"several files", `{"type":"image","image":{` + link + `},"more_media":[{` + link + `}]}`, []string{"/more_media"}},
	})
}

func TestValidateSMS(t *testing.T) {
	t.Parallel()
	const link = `{"link":"https://example.com/a.png"}`
	checkContents(t, (*Content).ValidateSMS, []contentCase{
		{"text", `{"type":"text","text":{"body":"` + chars(1600) + `"}}`, nil},
		{"text too long", `{"type":"text","text":{"body":"` + chars(1601) + `"}}`, []string{"/text/body"}},
		{"empty", `{"type":"text","text":{"body":""}}`, []string{"/text/body"}},
		{"text with files", `{"type":"text","text":{"body":"x"},"more_media":[` + link + `]}`, []string{"/more_media"}},
		{"ten files", `{"type":"image","image":` + link + `,"more_media":[` + strings.Repeat(link+",", 8) + link + `]}`, nil},
		{
			"eleven files",
			`{"type":"image","image":` + link + `,"more_media":[` + strings.Repeat(link+",", 9) + link + `]}`,
			[]string{"/more_media"},
		},
		{"by id", `{"type":"image","image":{"id":"1"}}`, []string{"/image/id", "/image/link"}},
		{
			"more by id",
			`{"type":"video","video":` + link + `,"more_media":[{"id":"1","link":"x","caption":"c"}]}`,
			[]string{"/more_media/0/id", "/more_media/0/link", "/more_media/0/caption"},
		},
		{"caption is the text", `{"type":"audio","audio":{"link":"https://example.com/a.mp3","caption":"` + chars(1600) + `"}}`, nil},
		{
			"caption too long",
			`{"type":"image","image":{"link":"https://example.com/a","caption":"` + chars(1601) + `"}}`,
			[]string{"/image/caption"},
		},
		{"template", `{"type":"template","template":{"name":"a"}}`, []string{"/type"}},
		{"sticker", `{"type":"sticker","sticker":` + link + `}`, []string{"/type"}},
		{"reply", `{"type":"text","text":{"body":"x"},"context":{"message_id":"1"}}`, []string{"/context"}},
		{"nothing", `{}`, []string{"/type"}},
	})
}

func TestPointer_Escapes(t *testing.T) {
	t.Parallel()
	if got, want := Pointer("/a", 1, "b/c~d"), "/a/1/b~1c~0d"; got != want {
		t.Errorf("pointer = %q; want %q", got, want)
	}
}

func TestLanguage_UnmarshalJSON(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{`"en"`: "en", `{"code":"en_US","policy":"deterministic"}`: "en_US", `null`: ""} {
		var l Language
		if err := json.Unmarshal([]byte(in), &l); err != nil || l.Code != want {
			t.Errorf("%s: %q, %v; want %q", in, l.Code, err, want)
		}
	}
	if err := json.Unmarshal([]byte(`7`), new(Language)); err == nil {
		t.Error("a number passed as a language")
	}
}
