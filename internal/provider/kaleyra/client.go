package kaleyra

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// Client calls Kaleyra.
type Client struct {
	http *outbound.Client
	now  func() time.Time
}

var _ provider.Provider = (*Client)(nil)

// New returns a client that makes its calls with h.
func New(h *outbound.Client) *Client { return &Client{http: h, now: time.Now} }

// Send makes one call to the WhatsApp or the SMS endpoint.
func (c *Client) Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (provider.Accepted, error) {
	if err := provider.Load(m); err != nil {
		return provider.Accepted{}, err
	}
	body, err := request(ch, m)
	if err != nil {
		return provider.Accepted{}, err
	}
	resp, err := c.post(ctx, ch, body)
	if err != nil {
		return provider.Accepted{}, err
	}
	a, known := read(resp)
	// Kaleyra's documentation shows no answer, so any yes without a fault in
	// it counts; without an id its callbacks find the message by our ref.
	if known && resp.Status/100 == 2 && !a.fault && (a.code == "" || accepted[a.code] || a.id != "") {
		return provider.Accepted{ProviderID: whole(a.id), HTTP: resp.Status}, nil
	}
	return provider.Accepted{}, failure(ch, resp, a)
}

// Check sends nothing: Kaleyra documents no call that only tries a key, so it
// posts an empty object, which a good key gets refused as a bad payload.
func (c *Client) Check(ctx context.Context, ch *dispatch.Channel) error {
	resp, err := c.post(ctx, ch, []byte("{}"))
	if err != nil {
		return err
	}
	a, _ := read(resp)
	if resp.Status == http.StatusBadRequest && codes[a.code].Kind != provider.Denied {
		return nil
	}
	return failure(ch, resp, a)
}

func (c *Client) post(ctx context.Context, ch *dispatch.Channel, body []byte) (outbound.Response, error) {
	req, err := http.NewRequest(http.MethodPost, endpoint(ch), bytes.NewReader(body))
	if err != nil {
		return outbound.Response{}, noAddress()
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("api-key", ch.Secrets["api_key"])
	resp, err := provider.Do(ctx, c.http, req)
	return resp, err
}

// answer is what we look for in an answer's body.
type answer struct {
	id    string // the first of id, data.message_id, data[0].message_id, messages[0].id
	code  string
	text  string
	fault bool // error isn't empty: refused, whatever the HTTP status
}

// read takes an answer apart; false when its body isn't a JSON object.
func read(resp outbound.Response) (answer, bool) {
	var body struct {
		ID       provider.Scalar `json:"id"`
		Code     provider.Scalar `json:"code"`
		Message  provider.Scalar `json:"message"`
		Data     json.RawMessage `json:"data"`
		Messages json.RawMessage `json:"messages"`
	}
	trimmed := bytes.TrimSpace(resp.Body)
	if len(trimmed) == 0 { // with 2xx an acceptance
		return answer{}, resp.Status <= http.StatusAccepted && resp.Status >= http.StatusOK && resp.Cut == nil
	}
	if !bytes.HasPrefix(trimmed, []byte("{")) || json.Unmarshal(resp.Body, &body) != nil {
		return answer{}, false
	}
	a := answer{
		id:   cmp.Or(string(body.ID), idIn(body.Data), idIn(body.Messages)),
		code: strings.ToUpper(string(body.Code)), text: string(body.Message),
	}
	if code, text, ok := provider.Fault(resp.Body); ok {
		a.fault, a.code, a.text = true, cmp.Or(code, a.code), text
	}
	return a, true
}

// idIn returns the id of a message in data or messages, which is an object or a
// list.
func idIn(raw json.RawMessage) string {
	type item struct {
		MessageID provider.Scalar `json:"message_id"`
		ID        provider.Scalar `json:"id"`
	}
	var many []item
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		many = make([]item, 1)
		_ = json.Unmarshal(raw, &many[0]) // what is neither has no id
	}
	return string(cmp.Or(many[0].MessageID, many[0].ID))
}

// failure returns the error of an answer other than an acceptance.
func failure(ch *dispatch.Channel, resp outbound.Response, a answer) error {
	out := provider.Answer{
		Status: resp.Status, Header: resp.Header(), Code: a.code,
		Msg: provider.Redact(ch, cmp.Or(a.text, provider.BodyText(ch, resp.Body))),
	}
	out.Refuse(ch, resp.Body)
	table := map[string]provider.Rule{}
	if r, ok := ruleFor(out.Code); ok {
		table[out.Code] = r
	}
	e := provider.Classify(out, table)
	e.HTTP = resp.Status
	return e
}

// noAddress is a fault of the channel, not of the message.
func noAddress() error {
	return &provider.Error{Kind: provider.Denied, Code: dispatch.FailAccount, Msg: "setting base_url is no address"}
}
