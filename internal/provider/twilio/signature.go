package twilio

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// SignatureHeader carries Twilio's signature.
const SignatureHeader = "X-Twilio-Signature"

// Sign makes X-Twilio-Signature: base64(HMAC-SHA1(token, address + every
// field)), fields sorted by name, each as name and value without separators,
// a repeated name once per distinct value, sorted
// (twilio.com/docs/usage/webhooks/webhooks-security; the rule for repeated
// names is twilio-python's). A fragment isn't part of the address.
func Sign(token, address string, form url.Values) string {
	address, _, _ = strings.Cut(address, "#")
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values := slices.Clone(form[name])
		slices.Sort(values)
		for _, v := range slices.Compact(values) {
			mac.Write([]byte(name + v))
		}
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// verify reports whether a request to address is Twilio's. form is nil for a body
// that isn't a form: that one is covered through its digest in the address
// (bodySHA256), and without a digest it isn't covered at all. Twilio's
// servers don't agree whether the port is part of what they sign, so both
// forms count, as in its own libraries. Every comparison is made, so the time
// taken reveals nothing.
func verify(token, address, signature string, form url.Values, body []byte) bool {
	if token == "" || signature == "" {
		return false
	}
	ok := 1
	want, given := bodyDigest(address)
	if form == nil && !given {
		return false
	}
	if given {
		form = nil
		sum := sha256.Sum256(body)
		ok = subtle.ConstantTimeCompare([]byte(hex.EncodeToString(sum[:])), []byte(strings.ToLower(want)))
	}
	match := 0
	for _, a := range withAndWithoutPort(address) {
		match |= subtle.ConstantTimeCompare([]byte(Sign(token, a, form)), []byte(signature))
	}
	return ok&match == 1
}

func bodyDigest(address string) (string, bool) {
	_, query, _ := strings.Cut(address, "?")
	q, err := url.ParseQuery(query)
	if err != nil || !q.Has("bodySHA256") {
		return "", false
	}
	return q.Get("bodySHA256"), true
}

// withAndWithoutPort returns an address as it is and with its port taken out or,
// when it has none, with the scheme's port written out. It cuts text and doesn't re-encode: the signature covers every
// byte.
func withAndWithoutPort(address string) []string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return []string{address}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, tail := rest[:end], rest[end:]
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexAny(host, "]@") {
		return []string{address, scheme + "://" + host[:i] + tail}
	}
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return []string{address, scheme + "://" + host + port + tail}
}
