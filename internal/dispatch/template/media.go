package template

import (
	"cmp"
	"net/url"
	"path"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// mediaURL fills the header's file.
func (r *resolver) mediaURL(link, filename string) {
	const at = "/template/header_media_url"
	if link == "" {
		return
	}
	for i := range r.slots {
		s := &r.slots[i]
		if s.Component != "header" || s.Kind == "text" || s.Kind == "location" || s.Kind == "product" {
			continue
		}
		if s.filled {
			r.faults.Add(at, "can't stand beside a header component: give one of them")
			return
		}
		r.faults.Link(at, link)
		s.filled = true
		m := &dispatch.Media{Link: link}
		if s.Kind == "document" {
			m.Filename = cmp.Or(filename, fileOf(link))
		}
		s.value = mediaParameter(s.Kind, m)
		return
	}
	r.faults.Add(at, "the template's header takes no file")
}

// fileOf returns the file name at the end of an address, or "": without one
// WhatsApp shows a document as "Untitled".
func fileOf(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	name := path.Base(u.Path)
	if path.Ext(name) == "" || len(name) > 240 {
		return ""
	}
	return name
}

// mediaParameter returns a header's parameter of that kind.
func mediaParameter(kind string, m *dispatch.Media) *dispatch.Parameter {
	p := &dispatch.Parameter{Type: kind}
	switch kind {
	case "image":
		p.Image = m
	case "video":
		p.Video = m
	case "gif":
		p.GIF = m
	case "document":
		p.Document = m
	}
	return p
}
