package provider

import (
	"bytes"
	"context"
	"errors"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
)

// privateAddress explains a refused call to whoever may set base_url.
const privateAddress = "not sent: base_url is not on the public internet, nor in a network of SENDOFF_PROVIDER_ALLOW"

// byteOrderMark stands before the JSON of some gateways.
var byteOrderMark = []byte("\ufeff")

// Do makes one call to a vendor. Its error is an *Error: NotSent if nothing was
// written (dial, TLS, a context that ended before), else Uncertain.
func Do(ctx context.Context, c *outbound.Client, req *http.Request) (outbound.Response, error) {
	res, err := c.Do(ctx, req)
	return result(res, err)
}

// Post is Do for a body that is posted to a target of c.
func Post(ctx context.Context, c *outbound.Client, t *outbound.Target, body []byte) (outbound.Response, error) {
	res, err := c.Post(ctx, t, body)
	return result(res, err)
}

func result(res outbound.Response, err error) (outbound.Response, error) {
	if err == nil {
		res.Body = bytes.TrimPrefix(res.Body, byteOrderMark)
		return res, nil
	}
	if errors.Is(err, outbound.ErrPrivateAddress) {
		return res, &Error{Kind: NotSent, Code: dispatch.FailUnreachable, Msg: privateAddress} // no address of ours is shown
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
