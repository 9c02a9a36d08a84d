package accept

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Change changes a scheduled message: the fields of a send request that may
// change, checked as a new message with them would be. It says whether it did;
// one that is scheduled no more stays as it is.
func (s *Service) Change(ctx context.Context, who *Caller, v *dispatch.View, body []byte) (bool, error) {
	var given map[string]json.RawMessage
	err := json.Unmarshal(body, &given)
	maps.DeleteFunc(given, func(_ string, v json.RawMessage) bool { return string(v) == "null" }) // as if left out
	if err != nil || len(given) == 0 {
		return false, dispatch.Errorf(dispatch.Malformed, "a JSON object with to, send_at or content is expected")
	}
	content := false
	for name := range given {
		switch name {
		case "to", "send_at", "expires_at":
		case "type", "text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction":
			content = true
		default:
			return false, dispatch.InvalidField("/"+name, "cannot be changed; only to, send_at, expires_at and the content can")
		}
	}
	if v.Status != dispatch.Scheduled {
		return false, nil
	}
	d, err := s.merged(given, content, v)
	if err != nil {
		return false, err
	}
	p, e, err := s.edit(ctx, who, v, &d, given, content)
	if err != nil {
		return false, err
	}
	done, err := s.Store.Reschedule(ctx, v.ID, e)
	r := dispatch.Receipt{Err: err}
	s.explain(ctx, who, p, &r)
	return done, r.Err
}

// edit checks what changes. A message may be put off whatever has become of its
// template or recipient: only its times are looked at then.
func (s *Service) edit(ctx context.Context, who *Caller, v *dispatch.View, d *dispatch.Draft, given map[string]json.RawMessage, content bool) (*prepared, store.Edit, error) {
	var e store.Edit
	now := time.Now()
	if given["send_at"] != nil {
		if e.SendAt = &d.SendAt; !d.SendAt.After(now) {
			return nil, e, dispatch.InvalidField("/send_at", "must be in the future")
		}
	}
	if given["expires_at"] != nil {
		e.ExpiresAt = &d.ExpiresAt
	}
	if given["to"] == nil && !content {
		var faults dispatch.Faults
		p := &prepared{Accept: store.Accept{Message: &dispatch.Message{}}}
		times(d, p, now, &faults)
		return p, e, faults.Err()
	}
	if err := who.RequireFor([]dispatch.Draft{*d}); err != nil {
		return nil, e, err
	}
	p, err := s.prepare(ctx, who, d, now)
	if err != nil {
		return nil, e, err
	}
	ch, err := s.reg.Channel(ctx, p.Channel)
	if err != nil {
		return nil, e, err
	}
	e.Window = hasWindow(ch)
	if content {
		t := string(p.Content.Type)
		e.Content, e.Type, e.Segments, e.Price = &p.Raw, &t, &p.Segments, &p.Price
	}
	if given["to"] == nil {
		return p, e, nil
	}
	if e.To = &p.To; p.To == v.To {
		return p, e, nil
	}
	// Another recipient: it counts as a message to that one.
	out := make([]dispatch.Receipt, 1)
	if _, err := s.spendRecipients(ctx, who, []*prepared{p}, out, 0); err != nil {
		return nil, e, err
	}
	return p, e, out[0].Err
}

// merged is the message as it would be sent anew with the change.
func (s *Service) merged(given map[string]json.RawMessage, content bool, v *dispatch.View) (dispatch.Draft, error) {
	full := map[string]any{"to": v.To, "channel": v.Channel, "lane": v.Lane}
	if content {
		full["type"] = v.Type
	}
	for name, value := range given {
		full[name] = value
	}
	raw, err := json.Marshal(full)
	if err != nil {
		return dispatch.Draft{}, err
	}
	d, err := s.DecodeDraft(raw)
	if err == nil && !content {
		err = json.Unmarshal(v.Content, &d.Content)
	}
	if err == nil && v.SendAt != nil && d.SendAt.IsZero() {
		d.SendAt = *v.SendAt
	}
	return d, err
}
