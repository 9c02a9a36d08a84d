package emulator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/gupshup"
	"github.com/sendoff/sendoff/internal/provider/kaleyra"
	"github.com/sendoff/sendoff/internal/provider/twilio"
)

// vendor is a provider's client and a channel of it.
type vendor struct {
	name    string
	make    func(*outbound.Client) provider.Provider
	channel func() *dispatch.Channel
	failing provider.Kind // what the explicit 500 is
	signs   bool          // a signature, rather than a secret in the address
}

func vendors() []vendor {
	secrets := func(names ...string) map[string]string {
		m := make(map[string]string)
		for _, n := range names {
			m[n] = n + "-secret-0123456789"
		}
		return m
	}
	newTwilio := func(h *outbound.Client) provider.Provider { return twilio.New(h) }
	newKaleyra := func(h *outbound.Client) provider.Provider { return kaleyra.New(h) }
	account := "AC" + strings.Repeat("1", 32)
	return []vendor{
		{"twilio-sms", newTwilio, func() *dispatch.Channel {
			return &dispatch.Channel{
				Provider: "twilio", Kind: "sms", Sender: "+15550002222", Secrets: secrets("auth_token"),
				Settings: map[string]string{"account_sid": account},
			}
		}, provider.Doubtful, true},
		{"twilio-whatsapp", newTwilio, func() *dispatch.Channel {
			return &dispatch.Channel{
				Provider: "twilio", Kind: "whatsapp", Sender: "+15550002222", Secrets: secrets("auth_token", "api_key_secret"),
				Settings: map[string]string{"account_sid": account, "api_key_sid": "SK1", "messaging_service_sid": "MG" + strings.Repeat("2", 32)},
			}
		}, provider.Doubtful, true},
		{"gupshup", func(h *outbound.Client) provider.Provider { return gupshup.New(h) }, func() *dispatch.Channel {
			return &dispatch.Channel{
				Provider: "gupshup", Kind: "whatsapp", Sender: "+919999900000", Secrets: secrets("apikey", "callback_secret"),
				Settings: map[string]string{"app_name": "DemoApp"},
			}
		}, provider.Temporary, false},
		{"kaleyra-whatsapp", newKaleyra, func() *dispatch.Channel {
			return &dispatch.Channel{
				Provider: "kaleyra", Kind: "whatsapp", Sender: "+919999900001", Secrets: secrets("api_key", "callback_secret"),
				Settings: map[string]string{"sid": "HXAP0001IN"},
			}
		}, provider.Temporary, false},
		{"kaleyra-sms", newKaleyra, func() *dispatch.Channel {
			return &dispatch.Channel{
				Provider: "kaleyra", Kind: "sms", Sender: "SENDOF", Secrets: secrets("api_key", "callback_secret"),
				Settings: map[string]string{"sid": "HXAP0001IN", "sms_type": "TXN", "template_id": "1107"},
			}
		}, provider.Temporary, false},
	}
}

// bench is an emulator with one vendor's channel, whose callbacks come to a
// sink that reads them as the service does.
type bench struct {
	t      *testing.T
	base   string
	ch     *dispatch.Channel
	client provider.Provider
	got    chan provider.Callback
}

func (v *vendor) bench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, client: v.make(outbound.New(outbound.Options{})), got: make(chan provider.Callback, 100), ch: v.channel()}
	mux := http.NewServeMux()
	var sink *httptest.Server
	receive := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		cb, err := b.client.ParseCallback(b.ch, r, sink.URL+r.URL.RequestURI(), body)
		if err != nil {
			t.Errorf("callback to %s: %v", r.URL.Path, err)
			w.WriteHeader(http.StatusUnauthorized)
		}
		b.got <- cb
	}
	mux.HandleFunc("/callbacks/{provider}/{key}", receive)
	mux.HandleFunc("/callbacks/{provider}/{key}/{secret}", receive)
	sink = httptest.NewServer(mux)
	st := emulator.DefaultSettings()
	st.CallbackDelayMS = 5
	server := emulator.New(emulator.Options{Settings: &st})
	h := httptest.NewServer(server)
	b.base, b.ch.ID, b.ch.Key = h.URL, 9, v.name
	b.ch.Settings["base_url"] = h.URL
	b.ch.Settings["callback_url"] = sink.URL + "/callbacks/" + b.ch.Provider + "/" + v.name
	server.Register(b.ch)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
		h.CloseClientConnections()
		h.Close()
		sink.Close()
	})
	return b
}

func text(to string) *dispatch.Message {
	return &dispatch.Message{
		ID: dispatch.NewID(), To: to, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
		Content: dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "Your parcel is here"}},
	}
}

// send makes the calls that a worker would until one is accepted or refused
// for good, and returns their kinds (0: accepted).
func (b *bench) send(m *dispatch.Message) (acc provider.Accepted, kinds []provider.Kind) {
	b.t.Helper()
	for range 4 {
		ctx, cancel := context.WithTimeout(b.t.Context(), 300*time.Millisecond)
		got, err := b.client.Send(ctx, b.ch, m)
		cancel()
		if err == nil {
			return got, append(kinds, 0)
		}
		kinds = append(kinds, provider.AsError(err).Kind)
		if kinds[len(kinds)-1] == provider.Permanent {
			break
		}
	}
	return acc, kinds
}

// statuses waits for n statuses.
func (b *bench) statuses(n int) []dispatch.StatusUpdate {
	b.t.Helper()
	var us []dispatch.StatusUpdate
	timeout := time.After(30 * time.Second)
	for len(us) < n {
		select {
		case cb := <-b.got:
			us = append(us, cb.Statuses...)
		case <-timeout:
			b.t.Errorf("%d of %d statuses came: %+v", len(us), n, us)
			return us
		}
	}
	return us
}

func (b *bench) count(to string) int {
	b.t.Helper()
	res, err := http.Get(b.base + "/_emulator/count?to=" + strings.TrimPrefix(to, "+"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct{ Count int }
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		b.t.Fatal(err)
	}
	return got.Count
}

// Every magic recipient behaves at every vendor as documented, in the
// vendor's own words, which its real client reads.
func TestVendors_MagicRecipients(t *testing.T) {
	t.Parallel()
	const ok = provider.Kind(0)
	sent, delivered, read, failed := dispatch.Sent, dispatch.Delivered, dispatch.Read, dispatch.Failed
	for _, v := range vendors() {
		u := provider.Uncertain
		tests := []struct {
			ends  string
			kinds []provider.Kind
			count int
			comes []dispatch.Status
		}{
			{"0100", []provider.Kind{ok}, 1, []dispatch.Status{sent, delivered}},
			{"0101", []provider.Kind{provider.Throttled, provider.Throttled, ok}, 1, []dispatch.Status{sent, delivered}},
			{"0102", []provider.Kind{v.failing, v.failing, ok}, 1, []dispatch.Status{sent, delivered}},
			{"0103", []provider.Kind{v.failing, v.failing, v.failing, v.failing}, 0, nil},
			{"0104", []provider.Kind{provider.Permanent}, 0, nil},
			{"0105", []provider.Kind{u, u, u, u}, 4, []dispatch.Status{sent, delivered}},
			{"0106", []provider.Kind{ok}, 1, []dispatch.Status{sent, delivered, read}},
			{"0107", []provider.Kind{ok}, 1, nil},
			{"0108", []provider.Kind{ok}, 1, []dispatch.Status{failed}},
			{"0109", []provider.Kind{ok}, 1, []dispatch.Status{delivered, delivered, sent, sent}},
			{"0110", []provider.Kind{u, ok}, 1, []dispatch.Status{sent, delivered}},
		}
		for _, tt := range tests {
			t.Run(v.name+"/"+tt.ends, func(t *testing.T) {
				t.Parallel()
				b := v.bench(t)
				m := text("+1555000" + tt.ends)
				if v.name == "kaleyra-sms" && tt.ends == "0106" {
					tt.comes[2] = sent // SMS has no receipt of reading
				}
				acc, kinds := b.send(m)
				if !slices.Equal(kinds, tt.kinds) {
					t.Errorf("calls went %v, want %v", kinds, tt.kinds)
				}
				if n := b.count(m.To); n != tt.count {
					t.Errorf("%d copies accepted, want %d", n, tt.count)
				}
				us := b.statuses(len(tt.comes))
				for i, u := range us {
					if tt.ends == "0105" { // four messages' callbacks in one
						continue
					}
					if u.Status != tt.comes[i] || u.Channel != 9 || u.Recipient != m.To || u.At.IsZero() {
						t.Errorf("status %d: %+v, want %v", i, u, tt.comes[i])
					}
					if acc.ProviderID != u.ProviderID && acc.ProviderID != u.ProviderRef2 {
						t.Errorf("status %d is of %s, accepted as %s", i, u.ProviderID, acc.ProviderID)
					}
					if v.name != "gupshup" && u.ID != m.ID {
						t.Errorf("status %d doesn't echo our id: %+v", i, u)
					}
					if u.Status == failed && (u.Code == "" || u.ProviderCode == "") {
						t.Errorf("failed without a reason: %+v", u)
					}
				}
			})
		}
	}
}

func TestVendors_Inbound(t *testing.T) {
	t.Parallel()
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := v.bench(t)
			res, err := http.Post(b.base+"/_emulator/inbound", "application/json",
				strings.NewReader(`{"channel":"`+v.name+`","from":"+15550001234","text":"STOP"}`))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			var cb provider.Callback
			select {
			case cb = <-b.got:
			case <-time.After(30 * time.Second):
			}
			if len(cb.Inbound) != 1 {
				t.Fatalf("status %s: %+v", res.Status, cb)
			}
			if in := cb.Inbound[0]; in.From != "+15550001234" || in.Text != "STOP" || in.Type != "text" || in.ProviderID == "" || in.Channel != 9 {
				t.Errorf("got %+v", in)
			}
		})
	}
}

func TestVendors_Credentials(t *testing.T) {
	t.Parallel()
	for _, v := range vendors() {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			b := v.bench(t)
			if err := b.client.Check(t.Context(), b.ch); err != nil {
				t.Errorf("Check: %v", err)
			}
			stranger := *b.ch
			stranger.Secrets = map[string]string{"auth_token": "wrong", "api_key_secret": "wrong", "apikey": "wrong", "api_key": "wrong"}
			if err := b.client.Check(t.Context(), &stranger); provider.AsError(err).Kind != provider.Denied {
				t.Errorf("Check with wrong secrets: %v", err)
			}
			_, err := b.client.Send(t.Context(), &stranger, text("+15550000100"))
			if e := provider.AsError(err); err == nil || e.Kind != provider.Denied || e.Code != dispatch.FailCredentials {
				t.Errorf("Send with wrong secrets: %v", err)
			}
			if n := b.count("+15550000100"); n != 0 {
				t.Errorf("%d accepted", n)
			}
		})
	}
}
