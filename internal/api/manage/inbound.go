package manage

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/store/people"
)

// InboundFilter selects inbound messages.
type InboundFilter struct {
	admin.Paging

	Channel string `query:"channel" maxLength:"64" doc:"A channel's id or key."`
	From    string `query:"from" maxLength:"64" doc:"The contact's number, or another id of the contact."`
	Type    string `query:"type" maxLength:"64" doc:"The type of content, such as text or image."`
	Since   string `query:"created_from" maxLength:"64" doc:"Only messages received at or after this time (RFC 3339)."`
	Until   string `query:"created_to" maxLength:"64" doc:"Only messages received before this time (RFC 3339)."`
}

// inbound lists inbound messages, newest first.
func (m *manager) inbound(ctx context.Context, who admin.Actor, in InboundFilter) (admin.Page[dispatch.Received], error) {
	none := admin.Page[dispatch.Received]{}
	f := people.InboundFilter{Limit: in.Limit}
	if err := in.read(&f, who.Region); err != nil {
		return none, err
	}
	if in.Channel != "" {
		ch, err := m.FindChannel(ctx, who.Account, in.Channel)
		if err != nil {
			return none, err
		}
		f.Channel = ch.ID
	}
	rows, next, err := m.Inbound.Inbounds(ctx, who.Account, f)
	if err != nil {
		return none, err
	}
	return inboundPage(rows, next), nil
}

// read writes the cursor, the type, the times and the number into f.
func (in *InboundFilter) read(f *people.InboundFilter, region string) error {
	if in.Cursor != "" {
		b, err := base64.RawURLEncoding.DecodeString(in.Cursor)
		if err != nil {
			return badCursor()
		}
		id, err := uuid.ParseBytes(b)
		if err != nil {
			return badCursor()
		}
		f.Before = &id
	}
	f.Type = in.Type
	var faults dispatch.Faults
	f.Since = middleware.Time(in.Since, "created_from", &faults)
	f.Until = middleware.Time(in.Until, "created_to", &faults)
	if err := faults.Err(); err != nil || in.From == "" {
		return err
	}
	number, err := person.ParseQuery(in.From, region)
	if err != nil {
		return dispatch.InvalidField("/from", "%s", dispatch.AsError(err).Msg)
	}
	f.From = number
	return nil
}

// InboundPath is the path of an inbound message.
type InboundPath struct {
	ID string `path:"id"`
}

// InboundDetail is an inbound message with what the provider sent.
type InboundDetail struct {
	dispatch.Received

	Raw json.RawMessage `json:"raw" doc:"The message as the provider sent it."`
}

// oneInbound returns an inbound message.
func (m *manager) oneInbound(ctx context.Context, who admin.Actor, in *InboundPath) (*InboundDetail, error) {
	id, err := uuid.Parse(in.ID)
	if err != nil {
		return nil, dispatch.Errorf(dispatch.NotFound, "not found")
	}
	r, raw, err := m.Inbound.Inbound(ctx, who.Account, id)
	if err != nil {
		return nil, err
	}
	r.At, r.ReceivedAt = r.At.UTC(), r.ReceivedAt.UTC()
	out := &InboundDetail{Received: r, Raw: json.RawMessage(raw)}
	if !json.Valid(out.Raw) {
		out.Raw = json.RawMessage("{}")
	}
	return out, nil
}

func badCursor() error { return dispatch.InvalidField("/cursor", "is not a next_cursor of this list") }

// inboundPage returns the page of rows; next is the last id that was looked at, if another follows.
func inboundPage(rows []dispatch.Received, next *dispatch.ID) admin.Page[dispatch.Received] {
	page := admin.Page[dispatch.Received]{Data: rows}
	if next != nil {
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(next.String()))
	}
	for i := range page.Data {
		r := &page.Data[i]
		r.At, r.ReceivedAt = r.At.UTC(), r.ReceivedAt.UTC()
	}
	return page
}

// IgnoredFilter selects ignored callbacks.
type IgnoredFilter struct {
	admin.Paging
}

// ignored lists the callbacks that nothing was read from, newest first.
func (m *manager) ignored(ctx context.Context, who admin.Actor, in IgnoredFilter) (admin.Page[dispatch.IgnoredCallback], error) {
	var f people.InboundFilter
	if err := (&InboundFilter{Paging: in.Paging}).read(&f, ""); err != nil {
		return admin.Page[dispatch.IgnoredCallback]{}, err
	}
	rows, err := m.Ignored.Ignored(ctx, who.Account, f.Before, in.Limit+1)
	page := admin.Page[dispatch.IgnoredCallback]{Data: rows}
	if len(rows) > in.Limit {
		page.Data = rows[:in.Limit]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(rows[in.Limit-1].ID.String()))
	}
	for i := range page.Data {
		page.Data[i].At = page.Data[i].At.UTC()
	}
	return page, err
}
