package app

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider"
)

// testChannels makes the stand-ins through which messages of test keys go: the
// same provider and kind, the emulator's address, and credentials generated
// from our secret key, never the channel's own.
type testChannels struct {
	secret      []byte
	providers   map[string]provider.Provider
	emulatorURL func() string
	callbackURL func(*dispatch.Channel) string
	register    func(ch *dispatch.Channel) error
	log         *slog.Logger
	made        sync.Map // channel id → stand-in that the emulator knows
}

// of returns a channel's stand-in. It is the same in every process.
func (t *testChannels) of(ch *dispatch.Channel) *dispatch.Channel {
	c := *ch
	c.Key = ch.Key + ".test"
	token := func(name string) string {
		m := hmac.New(sha256.New, t.secret)
		fmt.Fprintf(m, "test channel %d %s", ch.ID, name)
		return hex.EncodeToString(m.Sum(nil))
	}
	c.Settings = map[string]string{"base_url": t.emulatorURL(), "callback_url": t.callbackURL(ch)}
	c.Secrets = map[string]string{}
	p := t.providers[ch.Provider]
	if p == nil {
		return &c // the worker refuses it
	}
	spec := p.Spec()
	for _, f := range spec.Settings {
		if f.Fake != nil {
			c.Settings[f.Name] = f.Fake(token(f.Name))
		}
	}
	for _, f := range spec.Secrets {
		if f.Required {
			c.Secrets[f.Name] = token(f.Name)
		}
	}
	return &c
}

// forSending is like of, and registers the stand-in with the emulator.
func (t *testChannels) forSending(ch *dispatch.Channel) *dispatch.Channel {
	if c, ok := t.made.Load(ch.ID); ok && c.(*dispatch.Channel).Sender == ch.Sender {
		return c.(*dispatch.Channel)
	}
	c := t.of(ch)
	if err := t.register(c); err != nil {
		t.log.Warn("emulator does not know the test channel yet", "channel", ch.ID, "error", err)
		return c
	}
	t.made.Store(ch.ID, c)
	return c
}

// RegisterAt registers a channel with the emulator at base.
func RegisterAt(base, token string, chs ...*dispatch.Channel) error {
	type entry struct {
		Key         string            `json:"key"`
		Provider    string            `json:"provider"`
		Kind        string            `json:"kind"`
		Sender      string            `json:"sender"`
		Settings    map[string]string `json:"settings"`
		Secrets     map[string]string `json:"secrets"`
		CallbackURL string            `json:"callback_url"`
	}
	var es []entry
	for _, c := range chs {
		es = append(es, entry{c.Key, c.Provider, c.Kind, c.Sender, c.Settings, c.Secrets, c.Settings["callback_url"]})
	}
	b, err := json.Marshal(es)
	if err != nil {
		return fmt.Errorf("encode channels: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, base+"/_emulator/channels", bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := outbound.New(outbound.Options{Timeout: 3 * time.Second}).Do(ctx, req)
	if err != nil {
		return fmt.Errorf("register channels: %w", err)
	}
	if resp.Status/100 != 2 {
		return fmt.Errorf("register channels: emulator answered %d: %s", resp.Status, resp.Body)
	}
	return nil
}
