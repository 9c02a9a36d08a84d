package api_test

import (
	"strings"
	"testing"
)

// What a contact sent is listed in one form, with our id of the message that it
// answers, and retrieved with what the provider sent.
func TestInbound_Content_IsListedAndRetrieved(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	ch, address := f.gupshup("+919999900000")
	ours := f.sent(ch.ID, "gs-1").String()
	for _, payload := range []string{
		`"type":"image","payload":{"url":"https://media.example/1","contentType":"image/png","caption":"look"}`,
		`"type":"button_reply","payload":{"title":"Yes","postbackText":"p1"}`,
	} {
		body := `{"type":"message","payload":{"id":"in` + payload[8:10] + `","source":"15550000001",` + payload +
			`,"sender":{"name":"Ann"},"context":{"id":"w","gsId":"gs-1"}}}`
		if got := f.As("", "POST", address, body).Status; got != 200 {
			t.Fatalf("answered %d", got)
		}
	}
	list := f.Do("GET", "/v1/inbound", nil).Want(200).Data()
	if len(list) != 2 {
		t.Fatalf("listed %v", list)
	}
	button, _ := list[0]["button"].(map[string]any)
	media, _ := list[1]["media"].(map[string]any)
	if button["text"] != "Yes" || button["payload"] != "p1" || media["url"] != "https://media.example/1" ||
		media["mime_type"] != "image/png" ||
		list[0]["reply_to"] != ours || list[1]["reply_to"] != ours ||
		list[1]["text"] != "look" {
		t.Errorf("listed %v, the message is %s", list, ours)
	}
	one := f.Do("GET", "/v1/inbound/"+list[1].Text("id"), nil).Want(200)
	raw, _ := one["raw"].(map[string]any)
	if one["reply_to"] != ours || one["media"] == nil || raw["source"] != "15550000001" {
		t.Errorf("retrieved %v", one)
	}
	for _, id := range []string{ours, "x", strings.Repeat("0", 36)} {
		if got := f.Do("GET", "/v1/inbound/"+id, nil).Status; got != 404 {
			t.Errorf("%s is answered %d", id, got)
		}
	}
}
