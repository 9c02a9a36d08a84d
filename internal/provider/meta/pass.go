package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

var _ provider.Passer = (*Client)(nil)

// Pass calls the Graph API for a client of ours. What is no JSON object is not
// shown: base_url may name any server.
func (c *Client) Pass(ctx context.Context, ch *dispatch.Channel, call provider.Call) (outbound.Response, error) {
	path := call.Path
	if len(call.Query) > 0 {
		path += "?" + call.Query.Encode()
	}
	req, err := c.request(ctx, ch, call.Method, path, nil)
	if err != nil {
		return outbound.Response{}, err
	}
	if call.Body != nil {
		req.Body, req.ContentLength = io.NopCloser(call.Body), call.Length
		req.Header.Set("Content-Type", call.ContentType)
	} else {
		req.Body, req.ContentLength = http.NoBody, 0
	}
	res, err := provider.Do(ctx, c.http.WithMaxBody(templateBody), req)
	if err != nil {
		return res, err
	}
	if res.Cut != nil || !bytes.HasPrefix(bytes.TrimSpace(res.Body), []byte("{")) || !json.Valid(res.Body) {
		return outbound.Response{}, &provider.Error{
			Kind: provider.Uncertain, Code: dispatch.FailUnclear, HTTP: res.Status, Msg: "the answer is no JSON object",
		}
	}
	for _, secret := range ch.Secrets {
		if len(secret) > 3 { // Meta quotes a malformed token
			res.Body = bytes.ReplaceAll(res.Body, []byte(secret), []byte("***"))
		}
	}
	return res, nil
}
