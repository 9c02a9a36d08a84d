package dispatch

import (
	"net/url"
	"strings"
)

// Validate checks a file: what it is known by, and what may stand beside it.
// t decides that: a caption goes with an image, a video and a document, a file
// name with a document only.
func (m *Media) Validate(f *Faults, at string, t Type) {
	switch {
	case m.ID == "" && m.Link == "":
		f.Add(at, "needs a link or an id")
	case m.ID != "" && m.Link != "":
		f.Add(at, "takes a link or an id, not both")
	case m.Link != "":
		f.Link(at+"/link", m.Link)
	}
	switch t {
	case TypeImage, TypeVideo, TypeDocument:
		f.Text(at+"/caption", m.Caption, 0, maxCaption)
	default:
		if m.Caption != "" {
			f.Add(at+"/caption", "%s takes no caption", t)
		}
	}
	if m.Filename != "" && t != TypeDocument {
		f.Add(at+"/filename", "only a document has a file name")
	}
}

// Link faults s unless the provider could fetch it: an absolute http or https
// address of at most 2048 bytes.
func (f *Faults) Link(field, s string) {
	if len(s) > maxLink {
		f.Add(field, "is %d bytes long; at most %d are allowed", len(s), maxLink)
		return
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.ContainsAny(s, " \"<>") {
		f.Add(field, "must be an absolute http or https address")
	}
}
