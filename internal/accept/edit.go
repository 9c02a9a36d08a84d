package accept

import (
	"context"
	"encoding/json"
	"maps"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// Edit reads a change of a scheduled message: the fields of a send request that
// may change, checked as a new message with them would be.
func (s *Service) Edit(ctx context.Context, who *Caller, v *dispatch.View, body []byte) (store.Edit, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil || len(given) == 0 {
		return store.Edit{}, dispatch.Errorf(dispatch.Malformed, "a JSON object with to, send_at or content is expected")
	}
	content := false
	for name := range given {
		switch name {
		case "to", "send_at", "expires_at":
		case "type", "text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction":
			content = true
		default:
			return store.Edit{}, dispatch.InvalidField("/"+name, "cannot be changed; only to, send_at, expires_at and the content can")
		}
	}
	d, err := s.merged(given, content, v)
	if err != nil {
		return store.Edit{}, err
	}
	if err := who.RequireFor([]dispatch.Draft{d}); err != nil {
		return store.Edit{}, err
	}
	now := time.Now()
	if _, sent := given["send_at"]; sent && !d.SendAt.After(now) {
		return store.Edit{}, dispatch.InvalidField("/send_at", "must be in the future")
	}
	p, err := s.prepare(ctx, who, &d, now)
	if err != nil {
		return store.Edit{}, err
	}
	e := store.Edit{}
	if given["to"] != nil {
		e.To = &p.To
	}
	if given["send_at"] != nil {
		e.SendAt = &d.SendAt
	}
	if given["expires_at"] != nil {
		e.ExpiresAt = &d.ExpiresAt
	}
	if content {
		t := string(p.Content.Type)
		e.Content, e.Type, e.Segments = &p.Raw, &t, &p.Segments
	}
	return e, nil
}

// merged is the message as it would be sent anew with the change.
func (s *Service) merged(given map[string]json.RawMessage, content bool, v *dispatch.View) (dispatch.Draft, error) {
	full := map[string]json.RawMessage{}
	maps.Copy(full, given)
	if full["to"] == nil {
		full["to"], _ = json.Marshal(v.To)
	}
	if !content {
		if err := json.Unmarshal(v.Content, &full); err != nil {
			return dispatch.Draft{}, err
		}
		maps.Copy(full, given)
		delete(full, "template") // resolved already: it is not looked at again
	}
	full["channel"], _ = json.Marshal(v.Channel)
	if content && full["type"] == nil {
		full["type"], _ = json.Marshal(v.Type)
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
