package emulator_test

import (
	"net"
	"testing"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/emulator"
	"github.com/sendoff/sendoff/internal/outbound"
	"github.com/sendoff/sendoff/internal/provider/meta"
)

// BenchmarkSend is the real client against the emulator, both in this process.
func BenchmarkSend(b *testing.B) {
	st := emulator.DefaultSettings()
	st.Callbacks = false
	s := emulator.New(emulator.Options{Settings: &st})
	defer func() { _ = s.Close(b.Context()) }()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	ch := metaChannel("http://"+l.Addr().String(), "")
	s.Register(ch)
	c := newMeta()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Send(b.Context(), ch, textTo("+15550000100")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func newMeta() *meta.Client { return meta.New(outbound.New(outbound.Options{})) }

func metaChannel(base, callback string) *dispatch.Channel {
	return &dispatch.Channel{
		ID: 7, Key: "meta-demo", Provider: "meta", Kind: "whatsapp", Sender: "+15550002222",
		Settings: map[string]string{
			"base_url":        base,
			"phone_number_id": "106540352242922",
			"waba_id":         "102290129340398",
			"callback_url":    callback,
		},
		Secrets: map[string]string{
			"access_token": "EAAB-token-of-tests",
			"app_secret":   "app-secret-for-tests",
			"verify_token": "verify-of-tests",
		},
	}
}

func textTo(to string) *dispatch.Message {
	return &dispatch.Message{
		ID:      dispatch.NewID(),
		To:      to,
		Content: dispatch.Content{Type: dispatch.TypeText, Text: &dispatch.Text{Body: "hello"}},
	}
}
