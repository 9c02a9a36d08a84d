package pg

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// Numbers are the numbers that SQL texts name: statuses, states, kinds and
// outcomes, whose values are the Go constants.
type Numbers map[string]int

var numberName = regexp.MustCompile(`\{[a-z_]+\}`)

// SQL returns query with every {name} replaced by its number. It panics for a
// name that is not in n; statements are built when the program starts.
func (n Numbers) SQL(query string) string {
	return numberName.ReplaceAllStringFunc(query, func(name string) string {
		value, ok := n[name[1:len(name)-1]]
		if !ok {
			panic(fmt.Sprintf("no number is named %s in: %s", name, query))
		}
		return strconv.Itoa(value)
	})
}

// Merge returns the numbers of n and more. It panics if a name is in both.
func (n Numbers) Merge(more Numbers) Numbers {
	out := Numbers{}
	for _, m := range []Numbers{n, more} {
		for name, value := range m {
			if _, ok := out[name]; ok {
				panic(fmt.Sprintf("two numbers are named %s", name))
			}
			out[name] = value
		}
	}
	return out
}

// Domain are the numbers of the domain: statuses, who settled them, lanes and
// kinds of events.
var Domain = Numbers{
	"scheduled": int(dispatch.Scheduled), "queued": int(dispatch.Queued), "sent": int(dispatch.Sent), "delivered": int(dispatch.Delivered),
	"read": int(dispatch.Read), "failed": int(dispatch.Failed), "expired": int(dispatch.Expired), "cancelled": int(dispatch.Cancelled),
	"unknown": int(dispatch.Unknown),

	"by_us": int(dispatch.ByUs), "by_provider": int(dispatch.ByProvider),

	"slow_s":   int(dispatch.SlowAfter / time.Second),
	"lane_otp": int(dispatch.OTP), "lane_normal": int(dispatch.Normal), "lane_bulk": int(dispatch.Bulk),

	"event_inbound": dispatch.EventInbound, "event_channel_paused": dispatch.EventChannelPaused,
	"event_channel_resumed": dispatch.EventChannelResumed,
	"event_note":            dispatch.EventNote, "event_webhook_disabled": dispatch.EventWebhookDisabled,
	"event_template": dispatch.EventTemplate, "event_channel": dispatch.EventChannel,
	"event_attempt": dispatch.EventAttempt,
}
