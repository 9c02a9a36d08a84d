package api

import (
	"context"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/message"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// changer changes messages for a caller of a dialect.
type changer struct {
	messages *message.Handler
	who      *accept.Caller
}

var _ dialect.Changer = changer{}

// Cancel cancels a message.
func (c changer) Cancel(ctx context.Context, id dispatch.ID) (dispatch.View, error) {
	return valueOf(c.messages.CancelFor(ctx, c.who, id))
}

// Redact blanks the content of a finished message.
func (c changer) Redact(ctx context.Context, id dispatch.ID) (dispatch.View, error) {
	return valueOf(c.messages.RedactFor(ctx, c.who, id))
}

// Delete deletes a finished message.
func (c changer) Delete(ctx context.Context, id dispatch.ID) error {
	return c.messages.DeleteFor(ctx, c.who, id)
}

func valueOf(v *dispatch.View, err error) (dispatch.View, error) {
	if err != nil {
		return dispatch.View{}, err
	}
	return *v, nil
}
