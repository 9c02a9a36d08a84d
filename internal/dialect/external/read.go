package external

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// message is what GET /messages/:uuid shows.
type message struct {
	MessageUUID  dispatch.ID         `json:"message_uuid"`
	Status       string              `json:"status"`
	To           string              `json:"to"`
	TemplateName *string             `json:"template_name"`
	Reference    *string             `json:"reference"`
	CreatedAt    time.Time           `json:"created_at"`
	SentAt       *time.Time          `json:"sent_at"`
	DeliveredAt  *time.Time          `json:"delivered_at"`
	ReadAt       *time.Time          `json:"read_at"`
	FailedAt     *time.Time          `json:"failed_at"`
	Error        *dispatch.ViewError `json:"error"`
}

// readMessage answers one message's status.
func readMessage(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	missing := noMessage.reply("Message not found")
	id, err := uuid.Parse(r.PathValue("uuid"))
	if err != nil {
		return missing, nil
	}
	v, err := src.Message(ctx, a.ID, id)
	switch {
	case dispatch.CodeOf(err) == dispatch.NotFound && err != nil:
		return missing, nil
	case err != nil:
		return dialect.Reply{}, err
	}
	m := message{
		MessageUUID: v.ID, Status: v.StatusName, To: v.Recipient, TemplateName: text(templateName(v.Content)), Reference: text(v.Reference),
		CreatedAt: v.CreatedAt, SentAt: v.SentAt, DeliveredAt: v.DeliveredAt, ReadAt: v.ReadAt, FailedAt: v.FailedAt, Error: v.Error,
	}
	return dialect.Reply{Status: http.StatusOK, Body: success{Success: true, Data: m}}, nil
}

// templateName looks into the content; it is gone once the content is redacted.
func templateName(content json.RawMessage) string {
	var c struct {
		Template struct {
			Name string `json:"name"`
		} `json:"template"`
	}
	if json.Unmarshal(content, &c) != nil {
		return ""
	}
	return c.Template.Name
}

// text is null when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// template is one entry of GET /templates.
type template struct {
	ID        int64    `json:"id"`
	Name      string   `json:"name"`
	Language  string   `json:"language"`
	Category  string   `json:"category"`
	Status    string   `json:"status"`
	Variables []string `json:"variables"`
}

// readTemplates lists the account's templates.
func readTemplates(ctx context.Context, src dialect.Reader, a dialect.Account, _ *http.Request) (dialect.Reply, error) {
	found, err := src.Templates(ctx, a.ID)
	if err != nil {
		return dialect.Reply{}, err
	}
	out := make([]template, 0, len(found))
	for i := range found {
		t := &found[i]
		out = append(out, template{
			ID: t.ID, Name: t.Name, Language: t.Language, Category: t.Category, Status: t.Status, Variables: t.VariableNames(),
		})
	}
	return dialect.Reply{Status: http.StatusOK, Body: success{Success: true, Data: out}}, nil
}
