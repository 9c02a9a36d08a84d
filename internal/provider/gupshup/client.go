package gupshup

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// Client calls Gupshup.
type Client struct {
	http *outbound.Client
	now  func() time.Time
}

var _ provider.Provider = (*Client)(nil)

// New returns a client that makes its calls with h.
func New(h *outbound.Client) *Client { return &Client{http: h, now: time.Now} }

// answer is the body of every answer. Gupshup labels it text/html now and then
// and isn't agreed on the word for success, so a message id decides; message is
// a text or an object.
type answer struct {
	Status    string          `json:"status"`
	MessageID string          `json:"messageId"`
	Message   json.RawMessage `json:"message"`
	Code      json.RawMessage `json:"code"`
}

// Send makes one call to the template or the session endpoint.
func (c *Client) Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (provider.Accepted, error) {
	if err := provider.Load(m); err != nil {
		return provider.Accepted{}, err
	}
	path, f, err := form(ch, m)
	if err != nil {
		return provider.Accepted{}, err
	}
	req, err := http.NewRequest(http.MethodPost, baseURL(ch)+path, strings.NewReader(f.Encode()))
	if err != nil {
		return provider.Accepted{}, noAddress()
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("apikey", ch.Secrets["apikey"])
	resp, err := provider.Do(ctx, c.http, req)
	if err != nil {
		return provider.Accepted{}, err
	}
	var a answer
	if resp.Status/100 == 2 && decode(resp.Body, &a) == nil && a.MessageID != "" && a.Status != "error" {
		return provider.Accepted{ProviderID: a.MessageID, HTTP: resp.Status}, nil
	}
	return provider.Accepted{}, failure(ch, resp)
}

// failure explains an answer that isn't an acceptance, by code or HTTP status
// and never by text: the texts for one cause differ.
func failure(ch *dispatch.Channel, resp outbound.Response) error {
	out := provider.Answer{Status: resp.Status, Header: resp.Header, Msg: provider.Redact(ch, provider.PlainText(ch, resp.Body))}
	var a answer
	if decode(resp.Body, &a) == nil && a.Status == "error" {
		var text string
		out.Code, text = a.explain()
		out.Msg = provider.Redact(ch, text)
		if resp.Status/100 == 2 { // refused, whatever the HTTP status
			out.Status = http.StatusBadRequest
		}
		if out.Code == "" && resp.Status == http.StatusInternalServerError {
			out.Code = internalError
		}
	}
	table := codes
	if r, ok := ruleFor(out.Code); ok {
		table = map[string]provider.Rule{out.Code: r}
	}
	e := provider.Classify(out, table)
	e.HTTP = resp.Status
	return e
}

// explain finds code and text, which stand in message itself, inside it, or
// beside it.
func (a *answer) explain() (code, text string) {
	code = scalar(a.Code)
	if json.Unmarshal(a.Message, &text) == nil {
		return code, text
	}
	var inner struct {
		Code    json.RawMessage `json:"code"`
		Message string          `json:"message"`
		Reason  string          `json:"reason"`
	}
	if json.Unmarshal(a.Message, &inner) != nil {
		return code, string(a.Message)
	}
	if code == "" {
		code = scalar(inner.Code)
	}
	for _, s := range []string{inner.Message, inner.Reason} {
		if s != "" {
			return code, s
		}
	}
	return code, string(a.Message)
}

// scalar is a JSON number or string as text.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// Check sends nothing: Gupshup's documented API has no call that only tries a
// key, so it asks the template endpoint for a message without recipient and
// template, which a good key gets refused with 400 and a bad one with 401.
func (c *Client) Check(ctx context.Context, ch *dispatch.Channel) error {
	req, err := http.NewRequest(http.MethodPost, baseURL(ch)+templatePath, strings.NewReader("channel=whatsapp"))
	if err != nil {
		return noAddress()
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("apikey", ch.Secrets["apikey"])
	resp, err := provider.Do(ctx, c.http, req)
	if err != nil {
		return err
	}
	if resp.Status == http.StatusBadRequest {
		return nil
	}
	if resp.Status/100 == 2 {
		return &provider.Error{
			Kind: provider.Uncertain, Code: dispatch.FailUnclear, HTTP: resp.Status,
			Msg: "an empty message was accepted: HTTP " + strconv.Itoa(resp.Status),
		}
	}
	return failure(ch, resp)
}

// noAddress is a fault of the channel, not of the message.
func noAddress() error {
	return &provider.Error{Kind: provider.Denied, Code: dispatch.FailAccount, Msg: "setting base_url is no address"}
}
