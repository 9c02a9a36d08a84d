package gupshup

import (
	"context"
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
// and isn't agreed on the word for success, so a message id decides.
type answer struct {
	Status    provider.Scalar `json:"status"`
	MessageID provider.Scalar `json:"messageId"`
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
	if resp.Status/100 == 2 && decode(resp.Body, &a) == nil && a.MessageID != "" && !a.refused() {
		return provider.Accepted{ProviderID: string(a.MessageID), HTTP: resp.Status}, nil
	}
	return provider.Accepted{}, failure(ch, resp)
}

// failure explains an answer that isn't an acceptance, by code or HTTP status
// and never by text: the texts for one cause differ.
func failure(ch *dispatch.Channel, resp outbound.Response) error {
	out := provider.Answer{Status: resp.Status, Header: resp.Header(), Msg: provider.Redact(ch, provider.BodyText(ch, resp.Body))}
	var a answer
	if decode(resp.Body, &a) == nil && a.refused() {
		var text string
		out.Code, text, _ = provider.Fault(resp.Body)
		out.Msg = provider.Redact(ch, text)
		if out.Code == "" && resp.Status == http.StatusInternalServerError {
			out.Code = internalError
		}
	}
	out.Refuse(ch, resp.Body)
	table := codes
	if r, ok := ruleFor(out.Code); ok {
		table = map[string]provider.Rule{out.Code: r}
	}
	e := provider.Classify(out, table)
	e.HTTP = resp.Status
	return e
}

// refused reports whether the answer is an error, by the one word for it that
// Gupshup is agreed on.
func (a *answer) refused() bool { return strings.EqualFold(string(a.Status), "error") }

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
