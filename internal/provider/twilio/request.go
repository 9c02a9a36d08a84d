package twilio

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
)

const (
	// maxMedia is how many MediaUrl fields Twilio takes.
	maxMedia = 10
	// maxValidity is Twilio's longest ValidityPeriod in seconds, and its default.
	maxValidity = 36000
	// repeat makes Twilio repeat a callback that we couldn't take, five times
	// and for every reason: by default it repeats only a failed connection, once.
	// It rides in the fragment, which isn't part of the signed address
	// (twilio.com/docs/usage/webhooks/webhooks-connection-overrides).
	repeat = "#rc=5&rp=all"
)

// form builds the body of POST Messages.json
// (twilio.com/docs/messaging/api/message-resource). now bounds how long Twilio
// may keep the message in its own queue.
func form(ch *dispatch.Channel, m *dispatch.Message, now time.Time) (url.Values, error) {
	f := url.Values{"To": {address(ch, m.To)}}
	if service := ch.Settings["messaging_service_sid"]; service != "" {
		f.Set("MessagingServiceSid", service)
	} else {
		f.Set("From", address(ch, ch.Sender))
	}
	if cb := provider.CallbackURL(ch); cb != "" {
		f.Set("StatusCallback", cb+"?id="+m.ID.String()+repeat)
	}
	if s := validity(m.ExpiresAt, now); s > 0 {
		f.Set("ValidityPeriod", strconv.Itoa(s))
	}
	return f, content(f, &m.Content)
}

// content adds what the message carries.
func content(f url.Values, c *dispatch.Content) error {
	switch c.Type {
	case dispatch.TypeText:
		if c.Text == nil || c.Text.Body == "" {
			return refuse(dispatch.FailContent, "the text is empty")
		}
		f.Set("Body", c.Text.Body)
		return nil
	case dispatch.TypeTemplate:
		return setTemplate(f, c.Template)
	case dispatch.TypeLocation:
		return location(f, c.Location)
	case dispatch.TypeImage, dispatch.TypeVideo, dispatch.TypeAudio, dispatch.TypeDocument:
		return media(f, c)
	}
	return refuse(dispatch.FailContent, "Twilio can't send content of type %s", c.Type)
}

// media adds links; Twilio has no media ids.
func media(f url.Values, c *dispatch.Content) error {
	first := c.MediaObject()
	if first == nil || first.Link == "" {
		return refuse(dispatch.FailContent, "Twilio takes media by link only")
	}
	f.Add("MediaUrl", first.Link)
	for _, more := range c.MoreMedia {
		if more.Link == "" {
			return refuse(dispatch.FailContent, "Twilio takes media by link only")
		}
		f.Add("MediaUrl", more.Link)
	}
	if n := len(f["MediaUrl"]); n > maxMedia {
		return refuse(dispatch.FailContent, "%d media links, Twilio takes %d", n, maxMedia)
	}
	if first.Caption != "" {
		f.Set("Body", first.Caption)
	}
	return nil
}

// location adds a point as a PersistentAction; the body is required with it
// (twilio.com/docs/whatsapp/api#location-messages).
func location(f url.Values, l *dispatch.Location) error {
	if l == nil {
		return refuse(dispatch.FailContent, "the location is missing")
	}
	point := l.Latitude.String() + "," + l.Longitude.String()
	action, body := "geo:"+point, point
	for _, s := range []string{l.Address, l.Name} {
		if s != "" {
			body = s
		}
	}
	if l.Address != "" {
		action += "|" + l.Address
	}
	f.Set("Body", body)
	f.Set("PersistentAction", action)
	return nil
}

// setTemplate sets ContentSid and its variables.
func setTemplate(f url.Values, t *dispatch.TemplateUse) error {
	if t == nil || t.ProviderTemplateID == "" {
		return refuse(dispatch.FailTemplate, "the template has no Twilio content id (HX...)")
	}
	f.Set("ContentSid", t.ProviderTemplateID)
	vars := variables(t.Components)
	if len(vars) == 0 {
		return nil
	}
	b, err := json.Marshal(vars) // keys in order, so equal messages make equal requests
	if err != nil {
		return refuse(dispatch.FailTemplate, "template variables: %v", err)
	}
	f.Set("ContentVariables", string(b))
	return nil
}

// variables numbers the template's values as Twilio's templates do, the body's
// first, then the header's and the buttons'. A parameter with a name takes
// that name, so an author who numbered otherwise can say so.
func variables(cs []dispatch.Component) map[string]string {
	vars := make(map[string]string)
	n := 0
	for _, kind := range []string{"body", "header", "button"} {
		for _, c := range cs {
			if c.Type != kind {
				continue
			}
			for _, p := range c.Parameters {
				n++
				name := p.ParameterName
				if name == "" {
					name = strconv.Itoa(n)
				}
				vars[name] = value(&p)
			}
		}
	}
	return vars
}

// value is a parameter as the text that stands in its place.
func value(p *dispatch.Parameter) string {
	for _, m := range []*dispatch.Media{p.Image, p.Video, p.Document} {
		if m != nil {
			return m.Link
		}
	}
	for _, s := range []string{p.Text, p.Payload, p.CouponCode} {
		if s != "" {
			return s
		}
	}
	for _, raw := range []json.RawMessage{p.Currency, p.DateTime} {
		var v struct {
			Fallback string `json:"fallback_value"`
		}
		if len(raw) > 0 && json.Unmarshal(raw, &v) == nil {
			return v.Fallback
		}
	}
	return ""
}

// validity is the time left in whole seconds when it is shorter than Twilio's
// own limit, else 0: a message that is stale must not leave Twilio's queue
// (up to ten hours long).
func validity(expires, now time.Time) int {
	left := expires.Sub(now)
	if expires.IsZero() || left >= maxValidity*time.Second {
		return 0
	}
	return max(int(left/time.Second), 1)
}

// refuse reports whether a message can't be sent at all; nothing was called.
func refuse(code dispatch.ErrorCode, format string, args ...any) error {
	return &provider.Error{Kind: provider.Permanent, Code: code, Msg: fmt.Sprintf(format, args...)}
}
