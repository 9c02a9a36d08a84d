package twilio

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// maxList bounds an answer to a list query: a hundred messages of 1600
// characters, and what stands around them.
const maxList = 2 << 20

// Client calls Twilio.
type Client struct {
	http *outbound.Client
	now  func() time.Time
}

var _ provider.Provider = (*Client)(nil)

// New returns a client that makes its calls with h.
func New(h *outbound.Client) *Client { return &Client{http: h, now: time.Now} }

// Send makes one call to POST Messages.json.
func (c *Client) Send(ctx context.Context, ch *dispatch.Channel, m *dispatch.Message) (provider.Accepted, error) {
	if err := provider.Load(m); err != nil {
		return provider.Accepted{}, err
	}
	f, err := form(ch, m, c.now())
	if err != nil {
		return provider.Accepted{}, err
	}
	req, err := http.NewRequest(http.MethodPost, messagesURL(ch), strings.NewReader(f.Encode()))
	if err != nil {
		return provider.Accepted{}, noAddress()
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	authorize(req, ch)
	resp, err := provider.Do(ctx, c.http, req)
	if err != nil {
		return provider.Accepted{}, err
	}
	var r resource
	if resp.Status/100 == 2 && json.Unmarshal(resp.Body, &r) == nil && sid.MatchString(string(r.SID)) {
		if u, err := r.update(ch, c.now()); err == nil && u.Status == dispatch.Failed {
			return provider.Accepted{}, rejectedOnCreate(u, resp.Status)
		}
		return provider.Accepted{ProviderID: string(r.SID), HTTP: resp.Status}, nil
	}
	return provider.Accepted{}, failure(ch, resp)
}

// rejectedOnCreate returns the error of a message that Twilio created as failed.
// Only the answer shows it: there is no callback for a first status.
func rejectedOnCreate(u dispatch.StatusUpdate, status int) error {
	return &provider.Error{
		Kind: provider.Permanent, Code: u.Code, Provider: u.ProviderCode, Msg: u.Detail, HTTP: status, Suppress: u.Suppress,
	}
}

// sid is a message's id at Twilio.
var sid = regexp.MustCompile(`^(SM|MM)[0-9a-fA-F]{32}$`)

// authorize signs in with the API key, if the channel has one, else with the
// account's token.
func authorize(req *http.Request, ch *dispatch.Channel) {
	if key := ch.Settings["api_key_sid"]; key != "" {
		req.SetBasicAuth(key, ch.Secrets["api_key_secret"])
		return
	}
	req.SetBasicAuth(ch.Settings["account_sid"], ch.Secrets["auth_token"])
}

// get asks for a resource and reads it into v.
func (c *Client) get(ctx context.Context, ch *dispatch.Channel, address string, v any) error {
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		return noAddress()
	}
	authorize(req, ch)
	resp, err := provider.Do(ctx, c.http.WithMaxBody(maxList), req)
	if err != nil {
		return err
	}
	if resp.Status == http.StatusOK && resp.Cut == nil && json.Unmarshal(resp.Body, v) == nil {
		return nil
	}
	return failure(ch, resp)
}

// failure explains an answer that isn't an acceptance. Twilio's error body is
// {"code":21211,"message":"..."}; one without a code isn't Twilio's own (a
// gateway's page, say) and goes by the HTTP status alone.
func failure(ch *dispatch.Channel, resp outbound.Response) error {
	var body struct {
		Code    provider.Scalar `json:"code"`
		Message provider.Scalar `json:"message"`
	}
	a := provider.Answer{Status: resp.Status, Header: resp.Header(), Msg: provider.Redact(ch, provider.BodyText(ch, resp.Body))}
	if json.Unmarshal(resp.Body, &body) == nil && body.Code != "" {
		a.Code, a.Msg = string(body.Code), provider.Redact(ch, string(body.Message))
	}
	if a.Refuse(ch, resp.Body); a.Code != "" && a.Status/100 == 2 { // a code is an error, whatever the HTTP status
		a.Status = http.StatusBadRequest
	}
	e := provider.Classify(a, codes)
	e.HTTP = resp.Status
	return e
}

// noAddress is a fault of the channel, not of the message.
func noAddress() error {
	return &provider.Error{Kind: provider.Denied, Code: dispatch.FailAccount, Msg: "setting base_url is no address"}
}
