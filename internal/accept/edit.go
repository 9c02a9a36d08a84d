package accept

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// editStore changes messages that are still scheduled. done is false for others.
type editStore interface {
	Reschedule(ctx context.Context, id dispatch.ID, e store.Edit) (done bool, err error)
}

// Change applies a PATCH body to a scheduled message: the fields of a send
// request that may change, checked as those of a new message would be. It
// reports whether the message was changed: one that is no longer scheduled
// stays as it is.
func (s *Service) Change(ctx context.Context, who *Caller, v *dispatch.View, body []byte) (bool, error) {
	var given map[string]json.RawMessage
	err := json.Unmarshal(body, &given)
	maps.DeleteFunc(given, func(_ string, v json.RawMessage) bool { return string(v) == "null" }) // as if left out
	if err != nil || len(given) == 0 {
		return false, dispatch.Errorf(dispatch.Malformed, "a JSON object with to, send_at or content is expected")
	}
	content := false
	var faults dispatch.Faults
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch name {
		case "to", "send_at", "expires_at":
		case "type", "text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction":
			content = true
		default:
			faults.Add(dispatch.Pointer("", name), "cannot be changed; only to, send_at, expires_at and the content can")
		}
	}
	if err := faults.Err(); err != nil {
		return false, err
	}
	if v.Status != dispatch.Scheduled {
		return false, nil
	}
	d, err := s.merged(given, content, v)
	if err != nil {
		return false, err
	}
	r := &request{who: who, ready: make([]*prepared, 1), out: make([]dispatch.Receipt, 1)}
	e, err := s.edit(ctx, r, v, &d, given, content)
	if err != nil {
		return false, err
	}
	done, err := s.Store.Reschedule(ctx, v.ID, e)
	if err == nil && done {
		return true, nil
	}
	err = s.explain(ctx, who, r.ready[0], err)
	r.refuse(0, cmp.Or(err, errNotScheduled))
	s.uncountRefused(ctx, r)
	return false, err
}

var errNotScheduled error = dispatch.Errorf(dispatch.Conflict, "the message is no longer scheduled")

// edit checks the change and sets r's one draft. A message may be postponed
// whatever has become of its template or recipient: only its times are checked
// then.
func (s *Service) edit(
	ctx context.Context, r *request, v *dispatch.View, d *dispatch.Draft, given map[string]json.RawMessage, content bool,
) (store.Edit, error) {
	var e store.Edit
	now := time.Now()
	if given["send_at"] != nil {
		if e.SendAt = &d.SendAt; !d.SendAt.After(now) {
			return e, dispatch.InvalidField("/send_at", "must be in the future")
		}
	}
	if given["expires_at"] != nil {
		e.ExpiresAt = &d.ExpiresAt
	}
	if given["to"] == nil && !content {
		faults := d.Faults
		r.ready[0] = &prepared{NewMessage: store.NewMessage{Message: &dispatch.Message{}}}
		times(d, r.ready[0], now, &faults)
		return e, faults.Err()
	}
	if err := r.who.RequireFor([]dispatch.Draft{*d}); err != nil {
		return e, err
	}
	p, err := s.prepare(ctx, r.who, d, now, new(place))
	if err != nil {
		return e, err
	}
	r.ready[0] = p
	ch, err := s.Registry.Channel(ctx, p.Channel)
	if err != nil {
		return e, err
	}
	e.Window = hasWindow(ch)
	if content {
		t := string(p.Content.Type)
		e.Content, e.Type, e.Segments, e.Price = &p.Raw, &t, &p.Segments, &p.Price
	}
	if given["to"] == nil {
		return e, nil
	}
	if e.To = &p.To; p.To != v.Recipient { // counts as a message to the new recipient
		s.countRecipients(ctx, r)
	}
	return e, r.out[0].Err
}

// merged returns the message with the change as a new draft.
func (s *Service) merged(given map[string]json.RawMessage, content bool, v *dispatch.View) (dispatch.Draft, error) {
	full := map[string]any{"to": v.Recipient, "channel": v.Channel, "lane": v.Lane, "type": v.Type}
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
