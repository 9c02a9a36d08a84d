package twilio

import (
	"net/url"
	"testing"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/provider"
	"github.com/sendoff/sendoff/internal/provider/providertest"
)

// smsRequests has one message of each type that SMS carries, media as MMS.
func smsRequests() []providertest.Request {
	urgent := message(`{"type":"text","text":{"body":"Your code is 123456"}}`)
	urgent.ExpiresAt = now.Add(90*time.Second + 900*time.Millisecond)
	return []providertest.Request{
		{Name: "sms_text", Message: message(`{"type":"text","text":{"body":"Your parcel & more: 100 % here, grüße 👋"}}`)},
		{Name: "sms_service_expiring", Message: urgent, Channel: func(base string) *dispatch.Channel { return service("sms", base) }},
		{Name: "sms_image", Message: message(`{"type":"image","image":{"link":"https://files.example.com/a.jpg","caption":"Two views"},
			"more_media":[{"link":"https://files.example.com/b.jpg?x=1&y=2"}]}`)},
		{Name: "sms_video", Message: message(`{"type":"video","video":{"link":"https://files.example.com/a.mp4"}}`)},
		{Name: "sms_audio", Message: message(`{"type":"audio","audio":{"link":"https://files.example.com/a.ogg"}}`)},
		{
			Name:    "sms_document",
			Message: message(`{"type":"document","document":{"link":"https://files.example.com/a.pdf","filename":"Bill.pdf"}}`),
		},
	}
}

// whatsAppRequests has one message of each type that WhatsApp carries.
func whatsAppRequests() []providertest.Request {
	plain := func(base string) *dispatch.Channel { return channel("whatsapp", base) }
	const content = `"provider_template_id":"HXbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"`
	return []providertest.Request{
		{Name: "whatsapp_text", Channel: plain, Message: message(`{"type":"text","text":{"body":"hello"}}`)},
		{Name: "whatsapp_text_service", Message: message(`{"type":"text","text":{"body":"hello"}}`)},
		{
			Name:    "whatsapp_image",
			Channel: plain,
			Message: message(`{"type":"image","image":{"link":"https://files.example.com/a.jpg","caption":"A view"}}`),
		},
		{Name: "whatsapp_video", Channel: plain, Message: message(`{"type":"video","video":{"link":"https://files.example.com/a.mp4"}}`)},
		{Name: "whatsapp_audio", Channel: plain, Message: message(`{"type":"audio","audio":{"link":"https://files.example.com/a.ogg"}}`)},
		{
			Name:    "whatsapp_document",
			Channel: plain,
			Message: message(`{"type":"document","document":{"link":"https://files.example.com/a.pdf"}}`),
		},
		{Name: "whatsapp_location", Channel: plain, Message: message(`{"type":"location","location":{
			"latitude":37.787890,"longitude":-122.391664,"name":"Office","address":"375 Beale St"}}`)},
		{Name: "whatsapp_location_bare", Channel: plain, Message: message(`{"type":"location","location":{"latitude":1.5,"longitude":2}}`)},
		{
			Name:    "whatsapp_template",
			Channel: plain,
			Message: message(`{"type":"template","template":{"name":"order",` + content + `,"components":[
			{"type":"header","parameters":[{"type":"image","image":{"link":"https://files.example.com/h.png"}}]},
			{"type":"body","parameters":[{"type":"text","text":"Ann"},
				{"type":"currency","currency":{"fallback_value":"$ 9.90","code":"USD","amount_1000":9900}}]},
			{"type":"button","sub_type":"quick_reply","index":"0","parameters":[{"type":"payload","payload":"yes"}]}]}}`),
		},
		{Name: "whatsapp_template_named", Channel: plain, Message: message(`{"type":"template","template":{` + content + `,"components":[
			{"type":"body","parameters":[{"type":"text","parameter_name":"customer_name","text":"Ann"},{"type":"text","parameter_name":"total",
			"text":"9.90"}]}]}}`)},
		{Name: "whatsapp_template_bare", Channel: plain, Message: message(`{"type":"template","template":{` + content + `}}`)},
	}
}

// Every type that the client claims is among the golden requests, and without
// its content none is sent.
func TestSupports(t *testing.T) {
	t.Parallel()
	golden := map[string]bool{}
	for _, r := range smsRequests() {
		golden["sms/"+string(r.Message.Content.Type)] = true
	}
	for _, r := range whatsAppRequests() {
		golden["whatsapp/"+string(r.Message.Content.Type)] = true
	}
	c := New(nil)
	for _, kind := range []string{"sms", "whatsapp", "email"} {
		for _, ty := range []dispatch.Type{
			"text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction",
		} {
			if got := c.Spec().Supports(kind, ty); got != golden[kind+"/"+string(ty)] {
				t.Errorf("Supports(%s, %s) = %v", kind, ty, got)
			}
			_, err := form(channel(kind, ""), &dispatch.Message{Content: dispatch.Content{Type: ty}}, now)
			if err == nil || provider.AsError(err).Kind != provider.Permanent {
				t.Errorf("%s without content: %v", ty, err)
			}
		}
	}
}

func TestContent_WhatTwilioCantSend_Refused(t *testing.T) {
	t.Parallel()
	ten := make([]dispatch.Media, 10)
	for i := range ten {
		ten[i].Link = "https://files.example.com/x"
	}
	tests := map[string]dispatch.Content{
		"media by id":         {Type: "image", Image: &dispatch.Media{ID: "123"}},
		"further media by id": {Type: "image", Image: &ten[0], MoreMedia: []dispatch.Media{{ID: "123"}}},
		"eleven files":        {Type: "image", Image: &ten[0], MoreMedia: ten},
		"foreign template":    {Type: "template", Template: &dispatch.TemplateUse{Name: "order", Language: dispatch.Language{Code: "en"}}},
	}
	for name, c := range tests {
		if err := content(url.Values{}, &c); err == nil || provider.AsError(err).Kind != provider.Permanent {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	tests := map[time.Duration]int{
		10*time.Hour - time.Second: 35999, 10 * time.Hour: 0, 24 * time.Hour: 0,
		5 * time.Minute: 300, 90*time.Second + 900*time.Millisecond: 90, time.Millisecond: 1, -time.Second: 1,
	}
	for left, want := range tests {
		if got := validity(now.Add(left), now); got != want {
			t.Errorf("validity in %v = %d, want %d", left, got, want)
		}
	}
	if got := validity(time.Time{}, now); got != 0 {
		t.Errorf("validity without expiry = %d", got)
	}
}
