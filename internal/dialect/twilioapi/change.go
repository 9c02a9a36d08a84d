package twilioapi

import (
	"context"
	"net/http"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// update answers POST Messages/SM....json: Status=canceled cancels the message,
// an empty Body redacts it. Twilio's SDKs send no other update.
func update(ctx context.Context, c dialect.Changer, a dialect.Account, r *http.Request, body []byte) (dialect.Reply, error) {
	id, err := changeable(a, r)
	if err != nil {
		return dialect.Reply{}, err
	}
	f, err := readForm(r, body)
	if err != nil {
		return dialect.Reply{}, err
	}
	var v dispatch.View
	switch {
	case f.Get("Status") == "canceled":
		v, err = c.Cancel(ctx, id)
	case f.Get("Status") != "":
		err = dispatch.InvalidField("/status", "must be canceled")
	case f.Has("Body") && f.Get("Body") == "":
		v, err = c.Redact(ctx, id)
	default:
		err = dispatch.InvalidField("/status", "must be canceled, or Body empty to redact the message")
	}
	if err != nil {
		return dialect.Reply{}, err
	}
	return dialect.Reply{Status: http.StatusOK, Body: fromView(a.SID, &v)}, nil
}

// remove answers DELETE Messages/SM....json.
func remove(ctx context.Context, c dialect.Changer, a dialect.Account, r *http.Request, _ []byte) (dialect.Reply, error) {
	id, err := changeable(a, r)
	if err != nil {
		return dialect.Reply{}, err
	}
	if err := c.Delete(ctx, id); err != nil {
		return dialect.Reply{}, err
	}
	return dialect.Reply{Status: http.StatusNoContent}, nil
}

// changeable returns the id of the message in the path.
func changeable(a dialect.Account, r *http.Request) (dispatch.ID, error) {
	if err := mayRead(a, r); err != nil {
		return dispatch.ID{}, err
	}
	id, ok := messageID(r.PathValue("message"))
	if !ok {
		return id, dispatch.Errorf(dispatch.NotFound, "no such message")
	}
	return id, nil
}
