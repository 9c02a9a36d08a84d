package storable

import (
	"fmt"
	"strings"
	"testing"
)

func TestShape(t *testing.T) {
	t.Parallel()
	many := make([]string, 0, 60)
	for i := range 60 {
		many = append(many, fmt.Sprintf(`"n%d":%d`, i, i))
	}
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct{ body, at, fault string }{
		{`{"to":"+1","text":{"body":"to"},"list":["to","to",{"to":1},{"to":2}]}`, "", ""},
		{`"text"`, "", ""},
		{`{"to":"a","to":"b"}`, "/to", "is given twice"},
		{`{"to":"a","t\u006f":"b"}`, "/to", "is given twice"},
		{`{"to":"{\"to\":1}","text":{"body":"a\"b,\"body\":","body":"c"}}`, "/text/body", "is given twice"},
		{`[{"a":1},{"a/b":{"x":[],"x":{}}}]`, "/1/a~1b/x", "is given twice"},
		{`{` + strings.Join(many, ",") + `}`, "", ""},
		{`{` + strings.Join(many, ",") + `,"n40":0}`, "/n40", "is given twice"},
		{`{` + strings.Join(many, ",") + `,"n3":0}`, "/n3", "is given twice"},
		{deep(MaxDepth), "", ""},
		{deep(MaxDepth + 1), strings.Repeat("/0", MaxDepth), "nests deeper than 100 levels"},
		{`{"metadata":` + deep(MaxDepth) + `}`, "/metadata" + strings.Repeat("/0", MaxDepth-1), "nests deeper than 100 levels"},
		{`{"a":"\ud800","a":1}`, "/a", "is given twice"},
	} {
		if at, fault := Shape([]byte(c.body)); at != c.at || fault != c.fault {
			t.Errorf("%.80s: %q %q, want %q %q", c.body, at, fault, c.at, c.fault)
		}
	}
}

func FuzzShape(f *testing.F) {
	for _, body := range []string{`{"a":1,"a":2}`, `"\`, `]]]`, `{"a`, `[{"\u00`, `:,:"`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if at, fault := Shape(body); fault == "" && at != "" {
			t.Errorf("%q: a place without a fault: %q", body, at)
		}
	})
}
