package campaign

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/segment"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// Compile prepares the rendering of d's messages on a channel; t is the
// template that d names, nil for other content. The error holds every fault
// that does not depend on a recipient, by its pointer in the definition.
func Compile(d *Definition, ch *dispatch.Channel, t *template.Template) (*Renderer, error) {
	r := &Renderer{channel: ch, template: t}
	if t != nil {
		if err := t.Usable(); err != nil {
			return nil, err
		}
		r.Category = t.Category
	}
	var f dispatch.Faults
	source, err := r.markSource(d, &f)
	if err != nil {
		return nil, err
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	r.source = newPattern(source)
	if len(r.slots) == 0 {
		return r, r.compileConstant()
	}
	return r, r.compileShort(source)
}

// markSource returns the message's JSON with its placeholders marked.
func (r *Renderer) markSource(d *Definition, f *dispatch.Faults) (string, error) {
	c, v := d.message()
	raw, err := json.Marshal(message{Content: *c, Variables: v})
	if err != nil {
		return "", dispatch.InvalidField("/"+string(d.Type), "cannot be encoded: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	tree, err := generic(raw)
	if err != nil {
		return "", err
	}
	tree = edit(tree, "", func(at, s string) string {
		out, err := r.slots.mark(s)
		switch {
		case err != nil:
			f.Add(inDefinition(at), "%s", err)
			return s
		case out != s && fixed.MatchString(at):
			f.Add(inDefinition(at), "takes no placeholder")
			return s
		case out != s && links.MatchString(at) && marked(out[:min(4, len(out))]):
			return linkHost + out
		}
		return out
	})
	return encode(tree)
}

// fixed are the places that the whole campaign shares; links those that hold
// an address.
var (
	fixed = regexp.MustCompile(`/(type|sub_type|format|code|index|parameter_name|provider_template_id|latitude|longitude)$` +
		`|^/content/template/name$`)
	links = regexp.MustCompile(`/(link|HeaderMediaURL)$`)
)

// inDefinition turns a pointer into message's JSON into one into the definition.
func inDefinition(at string) string {
	if rest, ok := strings.CutPrefix(at, "/content"); ok {
		return rest
	}
	if at == "/variables/HeaderMediaURL" {
		return "/template/header_media_url"
	}
	for _, form := range []string{"/variables/List", "/variables/Named"} {
		if rest, ok := strings.CutPrefix(at, form); ok {
			return "/template/variables" + rest
		}
	}
	return at
}

// generic decodes JSON without losing digits.
func generic(raw []byte) (any, error) {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var v any
	err := dec.Decode(&v)
	return v, err
}

// edit replaces every text in v by what change makes of it.
func edit(v any, at string, change func(at, s string) string) any {
	switch v := v.(type) {
	case string:
		return change(at, v)
	case []any:
		for i := range v {
			v[i] = edit(v[i], at+"/"+strconv.Itoa(i), change)
		}
	case map[string]any:
		for key := range v {
			v[key] = edit(v[key], dispatch.Pointer(at, key), change)
		}
	}
	return v
}

// compileConstant settles a message without placeholders.
func (r *Renderer) compileConstant() error {
	var m message
	if err := json.Unmarshal([]byte(r.source.literal[0]), &m); err != nil {
		return err
	}
	if err := r.settle(&m).Err(); err != nil {
		return err
	}
	raw, err := encode(&m.Content)
	if err != nil {
		return err
	}
	r.short, r.encoded = true, newPattern(raw)
	if !r.channel.WhatsApp() && m.Content.Text != nil {
		r.segments, _ = segment.Count(m.Content.Text.Body)
	}
	return nil
}

// compileShort settles the message with its marks in place. Faults of texts
// that have marks are left for their recipients, and so is the whole short way
// then.
func (r *Renderer) compileShort(source string) error {
	var m message
	if err := json.Unmarshal([]byte(source), &m); err != nil {
		return err
	}
	if !r.channel.WhatsApp() && m.Content.Text != nil {
		r.sms = new(newPattern(m.Content.Text.Body))
	}
	faults := slices.DeleteFunc(r.settle(&m), func(fault dispatch.Fault) bool {
		return r.authentication() || markedAt(source, fault.Field)
	})
	if err := faults.Err(); err != nil {
		return err
	}
	raw, err := encode(&m.Content)
	if err != nil {
		return err
	}
	r.encoded = newPattern(raw)
	if err := r.findTexts(raw); err != nil {
		return err
	}
	r.short = !r.authentication() && len(r.encoded.slot) > 0 && !slices.ContainsFunc(r.texts, func(t text) bool { return t.most == 0 })
	return nil
}

// authentication reports whether the template carries a one-time password,
// which is checked against its template and not by the content alone.
func (r *Renderer) authentication() bool {
	return r.template != nil && strings.EqualFold(r.template.Category, "authentication")
}

// markedAt reports whether the text that a fault is about has a mark.
func markedAt(source, field string) bool {
	tree, err := generic([]byte(source))
	if err != nil {
		return false
	}
	found := false
	edit(tree, "", func(at, s string) string {
		found = found || (marked(s) && inDefinition(at) == field)
		return s
	})
	return found
}

// wordy are the texts of a content that take any words.
var wordy = regexp.MustCompile(`^/(text/body|(image|video|audio|document)/caption|interactive/(body|footer)/text` +
	`|template/components/\d+/parameters/\d+/(text|payload))$`)

// findTexts lists the texts of the encoded content that have marks, with the
// size up to which the content's own rules are surely kept.
func (r *Renderer) findTexts(raw string) error {
	tree, err := generic([]byte(raw))
	if err != nil {
		return err
	}
	edit(tree, "", func(at, s string) string {
		if marked(s) {
			t := text{pattern: newPattern(s)}
			if wordy.MatchString(at) {
				t.most = r.most(raw, at)
			}
			r.texts = append(r.texts, t)
		}
		return s
	})
	return nil
}

// most returns a length that the text at a place may surely have, by trying.
func (r *Renderer) most(raw, place string) int {
	for _, n := range []int{4096, 1600, 1024, 256, 60, 20} {
		tree, err := generic([]byte(raw))
		if err != nil {
			return 0
		}
		tree = edit(tree, "", func(at, s string) string {
			if at == place {
				return strings.Repeat("x", n)
			}
			return s
		})
		probe, err := encode(tree)
		if err != nil {
			return 0
		}
		var c dispatch.Content
		if json.Unmarshal([]byte(probe), &c) == nil && len(r.settle(&message{Content: c})) == 0 {
			return n
		}
	}
	return 0
}
