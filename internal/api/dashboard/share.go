package dashboard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
)

// shareBody is the input of POST /v1/messages/{id}/share.
type shareBody struct {
	Hours int `json:"hours" minimum:"1" maximum:"720" doc:"How long the link works."`
}

// Required lists the required fields.
func (*shareBody) Required() []string { return []string{"hours"} }

// linkBody is a link to a shared message.
type linkBody struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expires_at"`
}

// share returns a signed link that shows a message's timeline without signing in.
func (h *Handler) share(c echo.Context) error {
	if h.Sessions == nil {
		return dispatch.ErrNotFound
	}
	in, err := decode[shareBody](c)
	if err != nil {
		return err
	}
	v, err := h.own(c)
	if err != nil {
		return err
	}
	until := time.Now().Add(time.Duration(in.Hours) * time.Hour).UTC().Truncate(time.Second)
	return c.JSON(http.StatusCreated, linkBody{h.PublicURL + "/share/" + h.sign(v.ID, until), until})
}

// own returns the message of the path, which must be the caller's.
func (h *Handler) own(c echo.Context) (*dispatch.View, error) {
	who := middleware.Caller(c)
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return nil, dispatch.ErrNotFound
	}
	v, err := h.view(c, id)
	if err == nil && (v.Account != who.Account.ID || who.RequireData(v.Test) != nil) {
		return nil, dispatch.ErrNotFound
	}
	return v, err
}

func (h *Handler) view(c echo.Context, id dispatch.ID) (*dispatch.View, error) {
	vs, err := h.Messages.Views(c.Request().Context(), []dispatch.ID{id})
	if err != nil {
		return nil, middleware.ReadError(err)
	}
	if len(vs) == 0 {
		return nil, dispatch.ErrNotFound
	}
	return &vs[0], nil
}

// sign returns the token of a link: the message's id, the end as Unix time, and
// the first half of their HMAC-SHA-256.
func (h *Handler) sign(id dispatch.ID, until time.Time) string {
	raw := binary.BigEndian.AppendUint64(append([]byte{}, id[:]...), uint64(until.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(raw, h.mac(raw)...))
}

func (h *Handler) mac(raw []byte) []byte {
	m := hmac.New(sha256.New, h.Secret)
	m.Write(append([]byte("share:"), raw...))
	return m.Sum(nil)[:16]
}

// unsign returns the message of a link's token, and false if the token is forged
// or its time is over.
func (h *Handler) unsign(token string) (id dispatch.ID, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) != 40 || !hmac.Equal(h.mac(raw[:24]), raw[24:]) {
		return id, false
	}
	copy(id[:], raw)
	return id, time.Now().Unix() < int64(binary.BigEndian.Uint64(raw[16:24]))
}

// sharedBody is a message as everybody with the link sees it.
type sharedBody struct {
	ID          dispatch.ID           `json:"message_id"`
	Status      string                `json:"status"`
	To          string                `json:"to" doc:"Masked."`
	Type        dispatch.Type         `json:"type"`
	Channel     string                `json:"channel" doc:"whatsapp or sms."`
	MaybeSent   bool                  `json:"maybe_sent"`
	CreatedAt   time.Time             `json:"created_at"`
	SendAt      *time.Time            `json:"send_at,omitempty"`
	SentAt      *time.Time            `json:"sent_at,omitempty"`
	DeliveredAt *time.Time            `json:"delivered_at,omitempty"`
	ReadAt      *time.Time            `json:"read_at,omitempty"`
	FailedAt    *time.Time            `json:"failed_at,omitempty"`
	Events      []store.TimelineEvent `json:"events"`
}

// shared returns the message of a link, with number and content masked.
func (h *Handler) shared(c echo.Context) error {
	id, ok := h.unsign(c.Param("token"))
	if !ok || h.Sessions == nil {
		return dispatch.Errorf(dispatch.NotFound, "the link does not work any more; ask for a new one")
	}
	v, err := h.view(c, id)
	if err != nil {
		return err
	}
	events, err := h.Messages.Timeline(c.Request().Context(), id)
	if err != nil {
		return middleware.ReadError(err)
	}
	for i := range events { // a provider's text may name the recipient
		events[i].Detail = ""
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, sharedBody{
		v.ID, v.StatusName, mask(string(v.To)), v.Type, v.ChannelKind, v.MaybeSent, v.CreatedAt, v.SendAt, v.SentAt, v.DeliveredAt,
		v.ReadAt, v.FailedAt, events,
	})
}

// mask hides a number but for its first three and last two characters.
func mask(to string) string {
	if len(to) < 8 {
		return strings.Repeat("•", len(to))
	}
	return to[:3] + strings.Repeat("•", len(to)-5) + to[len(to)-2:]
}
