// Package meta is the client for Meta's WhatsApp Business Cloud API
// (developers.facebook.com/documentation/business-messaging/whatsapp).
package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// Channel settings: base_url, version, phone_number_id and waba_id. Secrets:
// access_token, app_secret (signs callbacks) and verify_token (the handshake).
const (
	defaultBaseURL = "https://graph.facebook.com"
	defaultVersion = "v25.0"
)

// Client sends through the Cloud API.
type Client struct {
	http    *outbound.Client
	targets targets
}

var _ provider.Provider = (*Client)(nil)

// New returns a client that makes its calls with c.
func New(c *outbound.Client) *Client { return &Client{http: c} }

// Send posts one message.
func (c *Client) Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (provider.Accepted, error) {
	body, err := body(m)
	if err != nil {
		return provider.Accepted{}, err
	}
	to, err := c.target(ch)
	if err != nil {
		return provider.Accepted{}, err
	}
	res, err := provider.Post(ctx, c.http, to, body)
	if err != nil {
		return provider.Accepted{}, err
	}
	return readAccepted(ch, res)
}

// readAccepted reads the answer to a send. A 2xx that names no message isn't an
// acceptance that could ever be matched with its callbacks.
func readAccepted(ch *dispatch.Channel, res outbound.Response) (provider.Accepted, error) {
	if acc, ok := plainAccepted(res.Body); ok && res.Status >= 200 && res.Status <= 299 {
		acc.HTTP = res.Status
		return acc, nil
	}
	return readJSON(ch, res)
}

// readJSON is readAccepted for every answer.
func readJSON(ch *dispatch.Channel, res outbound.Response) (provider.Accepted, error) {
	var a struct {
		Contacts []struct {
			WaID   provider.Scalar `json:"wa_id"`
			UserID provider.Scalar `json:"user_id"`
		} `json:"contacts"`
		Messages []struct {
			ID     provider.Scalar `json:"id"`
			Status provider.Scalar `json:"message_status"`
		} `json:"messages"`
	}
	err := json.Unmarshal(res.Body, &a)
	if res.Status < 200 || res.Status > 299 || (err != nil && !wrongType(err)) || len(a.Messages) == 0 || a.Messages[0].ID == "" {
		return provider.Accepted{}, refusal(ch, res)
	}
	acc := provider.Accepted{ProviderID: string(a.Messages[0].ID), HTTP: res.Status}
	if len(a.Contacts) > 0 {
		acc.WaID, acc.UserID = string(a.Contacts[0].WaID), string(a.Contacts[0].UserID)
	}
	if s := strings.ToLower(string(a.Messages[0].Status)); s != "accepted" {
		acc.Detail = s
	}
	return acc, nil
}

// Check reads the channel's phone number.
func (c *Client) Check(ctx context.Context, ch *dispatch.Channel) error {
	id := ch.Settings["phone_number_id"]
	if id == "" {
		return &provider.Error{Kind: provider.Permanent, Code: dispatch.FailAccount, Msg: "setting phone_number_id is missing"}
	}
	res, err := c.get(ctx, ch, "/"+url.PathEscape(id), outbound.MaxBody)
	if err != nil {
		return err
	}
	var a struct {
		ID string `json:"id"`
	}
	if res.Status != http.StatusOK || json.Unmarshal(res.Body, &a) != nil || a.ID != id {
		return refusal(ch, res)
	}
	return nil
}

func (c *Client) get(ctx context.Context, ch *dispatch.Channel, path string, limit int64) (outbound.Response, error) {
	req, err := c.request(ctx, ch, http.MethodGet, path, nil)
	if err != nil {
		return outbound.Response{}, err
	}
	return provider.Do(ctx, c.http.WithMaxBody(limit), req)
}

// request prepares a call; an address or token that no request can be made of
// is a fault of the channel.
func (c *Client) request(ctx context.Context, ch *dispatch.Channel, method, path string, body []byte) (*http.Request, error) {
	base, version := ch.Settings["base_url"], ch.Settings["version"]
	if base == "" {
		base = defaultBaseURL
	}
	if version == "" {
		version = defaultVersion
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+"/"+version+path, bytes.NewReader(body))
	if err != nil {
		return nil, &provider.Error{Kind: provider.Denied, Code: dispatch.FailAccount, Msg: "setting base_url or version is no address"}
	}
	req.Header.Set("Authorization", "Bearer "+ch.Secrets["access_token"])
	req.Header.Set("User-Agent", "sendoff")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// encode writes JSON as people would: &, < and > need no escape outside HTML.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func ourFault(err error) *provider.Error {
	return &provider.Error{Kind: provider.Permanent, Code: dispatch.FailInternal, Msg: "message can't be encoded", Err: err}
}
