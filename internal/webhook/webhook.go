// Package webhook delivers events to customers: it renders an event in each
// format, signs it as Standard Webhooks or the vendor does, and calls the
// endpoints until they answer 2xx.
package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/address"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// The formats of a payload.
const (
	Standard = "standard" // Standard Webhooks (standardwebhooks.com)
	Meta     = "meta"     // the callback of the vendor, as its receivers know it
	Twilio   = "twilio"
	Kaleyra  = "kaleyra"
)

// Formats are all formats.
var Formats = []string{Standard, Meta, Twilio, Kaleyra}

// event is what a customer may subscribe to.
type event struct {
	kind int16
	name string
}

var events = []event{
	{int16(dispatch.Scheduled), "message.scheduled"},
	{int16(dispatch.Queued), "message.queued"},
	{int16(dispatch.Sent), "message.sent"},
	{int16(dispatch.Delivered), "message.delivered"},
	{int16(dispatch.Read), "message.read"},
	{int16(dispatch.Failed), "message.failed"},
	{int16(dispatch.Expired), "message.expired"},
	{int16(dispatch.Cancelled), "message.cancelled"},
	{int16(dispatch.Unknown), "message.unknown"},
	{dispatch.EventInbound, "message.inbound"},
	{dispatch.EventCampaignFinished, "campaign.finished"},
	{dispatch.EventChannelPaused, "channel.paused"},
	{dispatch.EventChannelResumed, "channel.resumed"},
	{0, "webhook.test"},
}

// EventNames returns the events that an endpoint can subscribe to.
func EventNames() []string {
	var out []string
	for _, e := range events {
		if e.kind != 0 {
			out = append(out, e.name)
		}
	}
	return out
}

// EventName returns the name of a kind, or "".
func EventName(kind int16) string {
	if i := slices.IndexFunc(events, func(e event) bool { return e.kind == kind }); i >= 0 {
		return events[i].name
	}
	return ""
}

// KindOf returns the kind of an event that an endpoint can subscribe to.
func KindOf(name string) (int16, bool) {
	i := slices.IndexFunc(events, func(e event) bool { return e.name == name && e.kind != 0 })
	if i < 0 {
		return 0, false
	}
	return events[i].kind, true
}

// maxURL is the longest address of an endpoint, in bytes, as it is requested.
const maxURL = 2000

// NormalURL returns the address of an endpoint in the form in which it is
// requested and signed. It returns an error if an endpoint cannot have it. http
// is for loopback, where loopback is allowed at all; which addresses may be
// called is decided when they are called.
func NormalURL(given string, allowLoopback bool) (string, error) {
	normal, err := address.Normal(given)
	if err != nil {
		return "", err
	}
	u, err := url.Parse(normal)
	switch {
	case err != nil || len(normal) > maxURL:
		return "", fmt.Errorf("must have at most %d bytes", maxURL)
	case u.User != nil:
		return "", errors.New("must not hold a user or password; send an Authorization header instead")
	case u.Scheme == "https" || allowLoopback && loopback(u.Hostname()):
		return normal, nil
	}
	return "", errors.New("must begin with https://")
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// reserved are the headers that a customer can't set: ours, the connection's,
// and those that signatures stand in. Authorization is free.
var reserved = []string{
	"host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "keep-alive", "te",
	"trailer", "upgrade", "expect",
	"user-agent", "cookie", "x-hub-signature-256", "x-twilio-signature", "idempotency-key", "x-idempotency-key",
}

// CheckHeader returns an error if an endpoint cannot have the custom header.
func CheckHeader(name, value string) error {
	lower := strings.ToLower(name)
	switch {
	case name == "" || len(name) > 100 || strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "":
		return fmt.Errorf("%q is not a header's name", name)
	case slices.Contains(reserved, lower) || strings.HasPrefix(lower, "webhook-") || strings.HasPrefix(lower, "proxy-"):
		return fmt.Errorf("%s can't be set", name)
	case len(value) > 1000 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Errorf("the value of %s must be at most 1000 printable ASCII characters", name)
	}
	return nil
}
