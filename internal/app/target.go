package app

import (
	"maps"
	"sync"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// liveChannels makes channels as provider clients need them: with the address
// for callbacks.
type liveChannels struct {
	callbackURL func(*dispatch.Channel) string
	made        sync.Map // channel id → liveChannel
}

// liveChannel is a channel and the copy made of it.
type liveChannel struct{ of, live *dispatch.Channel }

// live returns the copy of ch, the same one until ch is another.
func (l *liveChannels) live(ch *dispatch.Channel) *dispatch.Channel {
	if ch.Settings["callback_url"] != "" {
		return ch
	}
	if m, ok := l.made.Load(ch.ID); ok && m.(liveChannel).of == ch {
		return m.(liveChannel).live
	}
	c := *ch
	c.Settings = make(map[string]string, len(ch.Settings)+1)
	maps.Copy(c.Settings, ch.Settings)
	c.Settings["callback_url"] = l.callbackURL(ch)
	l.made.Store(ch.ID, liveChannel{ch, &c})
	return &c
}

// target returns the channel to which a message is sent: for messages of test
// keys, the emulator in the provider's place.
func (p *parts) target(ch *dispatch.Channel, test bool) *dispatch.Channel {
	if test {
		return p.tests.forSending(ch)
	}
	return p.live.live(ch)
}
