package accept

import (
	"context"
	"slices"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// content resolves the template, if any, and validates the content against the
// channel. It returns the template's category.
func (s *Service) content(
	ctx context.Context, who *Caller, ch *dispatch.Channel, d *dispatch.Draft, m *dispatch.Message, p *prepared, faults *dispatch.Faults,
) (string, error) {
	c := &m.Content
	category := ""
	if c.Type == dispatch.TypeTemplate && c.Template != nil {
		p.use = *c.Template // the draft may be shared by several recipients
		use := &p.use
		if use.Name == "" && use.TemplateID == 0 && use.ProviderTemplateID == "" {
			faults.Add("/template/name", "is required, or an id")
			return "", nil
		}
		c.Template = use
		ts, err := s.Registry.Templates(ctx, who.Account.ID)
		if err != nil {
			return "", err
		}
		if !s.supports(ch, c.Type) {
			return "", unsupported(ch, c.Type)
		}
		t, err := ts.Find(use, ch)
		if err != nil {
			return "", err
		}
		if err := t.Usable(); err != nil {
			return "", err
		}
		if err := t.Resolve(c.Template, d.Variables); err != nil {
			*faults = append(*faults, faultsOf(err, "/template")...)
			return t.Category, nil
		}
		category, p.template = t.Category, t.ID
	}
	if c.Type == "" {
		if len(d.Faults) == 0 { // else it is the reader that names it, or the content is at fault
			faults.Add("/type", dispatch.TypeRequired)
		}
		return "", nil
	}
	if slices.Contains(dispatch.Types, c.Type) && !s.supports(ch, c.Type) {
		return "", unsupported(ch, c.Type)
	}
	if ch.WhatsApp() {
		*faults = append(*faults, c.Validate()...)
	} else {
		*faults = append(*faults, c.ValidateSMS()...)
	}
	if len(*faults) > 0 {
		return category, nil
	}
	if s.dropped(ch, c, faults); len(*faults) > 0 {
		return category, nil
	}
	return category, s.quotes(ctx, ch, p, faults)
}

// anywhere returns what is wrong with content on every channel of the kind, or of any kind
// if that is "". A template is checked with the registry's, and so not here.
func anywhere(c *dispatch.Content, kind string) dispatch.Faults {
	if c.Type == "" || c.Type == dispatch.TypeTemplate {
		return nil
	}
	faults, sms := c.Validate(), c.ValidateSMS()
	switch kind {
	case "whatsapp":
		return faults
	case "sms":
		return sms
	}
	return slices.DeleteFunc(faults, func(f dispatch.Fault) bool {
		return !slices.ContainsFunc(sms, func(o dispatch.Fault) bool { return o.Field == f.Field || o.Field == "/type" })
	})
}

// dropped adds a fault for each field that the channel's provider can't send on.
func (s *Service) dropped(ch *dispatch.Channel, c *dispatch.Content, faults *dispatch.Faults) {
	voice := c.Audio != nil && c.Audio.Voice
	rich := c.Template.Rich()
	named := c.Document != nil && c.Document.Named()
	if c.IdentityKeyHash == "" && !voice && rich == "" && !named {
		return
	}
	p := s.Providers[ch.Provider]
	if p == nil || p.Spec().Whole(ch.Kind) {
		return
	}
	if named && !p.Spec().FileNames(ch.Kind) {
		faults.Add("/document/filename", "a %s channel can't send it; the name is the last part of the link", ch.Provider)
	}
	if rich != "" {
		faults.Add("/template/components", "a %s channel can't send a template with %s", ch.Provider, rich)
	}
	if voice {
		faults.Add("/audio/voice", "a %s channel can't send it", ch.Provider)
	}
	if c.IdentityKeyHash != "" {
		faults.Add("/recipient_identity_key_hash", "a %s channel can't send it", ch.Provider)
	}
}

// supports reports whether the channel can send content of type t.
func (s *Service) supports(ch *dispatch.Channel, t dispatch.Type) bool {
	p := s.Providers[ch.Provider]
	return p != nil && p.Spec().Supports(ch.Kind, t)
}

func unsupported(ch *dispatch.Channel, t dispatch.Type) error {
	msg := "a " + ch.Provider + " " + ch.Kind + " channel cannot send " + string(t)
	return &dispatch.Error{Code: dispatch.UnsupportedType, Msg: msg, Faults: []dispatch.Fault{{Field: "/type", Msg: msg}}}
}

// hasWindow reports whether we keep the channel's conversation window: free-form
// content is then sent only while it is open.
func hasWindow(ch *dispatch.Channel) bool { return ch.WhatsApp() && ch.Window != "provider" }
