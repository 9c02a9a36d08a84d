package provider

import (
	"context"
	"errors"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
)

// Do makes one call to a vendor. Its error is an *Error: NotSent if nothing was
// written (dial, TLS, a context that ended before), else Uncertain.
func Do(ctx context.Context, c *outbound.Client, req *http.Request) (outbound.Response, error) {
	res, err := c.Do(ctx, req)
	if err == nil {
		return res, nil
	}
	e, ok := errors.AsType[*outbound.Error](err)
	if ok && !e.Written {
		return res, &Error{Kind: NotSent, Code: dispatch.FailUnreachable, Msg: "not sent", Err: e.Err}
	}
	if ok {
		err = e.Err
	}
	return res, &Error{Kind: Uncertain, Code: dispatch.FailUnclear, Msg: "no answer", Err: err}
}
