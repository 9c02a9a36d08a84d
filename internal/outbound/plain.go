package outbound

import (
	"bytes"
	"net/http"
)

// plainHead returns the status of an answer, the length of its head, with which b begins,
// and that of its body, if it is a plain one: HTTP/1.1, lines that end with CRLF, visible
// ASCII, one Content-Length and nothing else that says where the body ends or that the
// connection does. Of all other answers, faulty ones above all, it returns false, and
// net/http reads them. A fuzz test holds that both agree.
func plainHead(b []byte) (status, head, length int, ok bool) {
	const proto = "HTTP/1.1 "
	if len(b) < len(proto)+4 || string(b[:len(proto)]) != proto {
		return 0, 0, 0, false
	}
	for _, c := range b[len(proto) : len(proto)+3] {
		if c < '0' || c > '9' {
			return 0, 0, 0, false
		}
		status = status*10 + int(c-'0')
	}
	if after := b[len(proto)+3]; after != ' ' || status < 200 || status == http.StatusNoContent || status == http.StatusNotModified {
		return 0, 0, 0, false
	}
	length = -1
	at, ok := nextLine(b, len(proto)+4)
	for ok {
		if rest := b[at:]; len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n' {
			return status, at + 2, length, length >= 0
		}
		var end int
		if end, ok = nextLine(b, at); ok {
			ok = plainField(b[at:end-2], &length)
			at = end
		}
	}
	return 0, 0, 0, false
}

// nextLine returns where the line ends that at is in, CRLF included, if all of it is
// visible ASCII or spaces.
func nextLine(b []byte, at int) (end int, ok bool) {
	n := bytes.IndexByte(b[at:], '\n')
	if n < 1 || b[at+n-1] != '\r' {
		return 0, false
	}
	for _, c := range b[at : at+n-1] {
		if c < ' ' || c > '~' {
			return 0, false
		}
	}
	return at + n + 1, true
}

// plainField checks a line of a header, and sets length if it is the first Content-Length.
func plainField(line []byte, length *int) (ok bool) {
	n := bytes.IndexByte(line, ':')
	if n <= 0 {
		return false
	}
	name, value := line[:n], bytes.Trim(line[n+1:], " ")
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	switch len(name) {
	case len("Content-Length"):
		if bytes.EqualFold(name, []byte("Content-Length")) {
			return *length < 0 && plainLength(value, length)
		}
	case len("Connection"):
		if bytes.EqualFold(name, []byte("Connection")) {
			return bytes.EqualFold(value, []byte("keep-alive"))
		}
	case len("Transfer-Encoding"):
		return !bytes.EqualFold(name, []byte("Transfer-Encoding"))
	}
	return true
}

// plainLength reads a length of at most six digits.
func plainLength(value []byte, length *int) (ok bool) {
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	*length = n
	return len(value) > 0 && len(value) <= 6
}
