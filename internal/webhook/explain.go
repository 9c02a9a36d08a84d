package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"

	"github.com/sendoff/sendoff/internal/outbound"
)

// errAddress is an endpoint's address of which no request can be made.
var errAddress = errors.New("the address is not a valid URL")

// explain returns a sentence for the customer about a call without an answer. It
// holds no address, neither the endpoint's nor one of this network.
func explain(err error) string {
	call, ok := errors.AsType[*outbound.Error](err)
	switch {
	case errors.Is(err, errAddress):
		return errAddress.Error()
	case !ok:
		return "the delivery could not be signed; check the endpoint's secret"
	case errors.Is(err, outbound.ErrPrivateAddress):
		return "the address is private; only addresses on the public internet are called"
	}
	for _, reason := range []string{nameFault(err), tlsFault(err), timeFault(call), connectionFault(err)} {
		if reason != "" {
			return reason
		}
	}
	if call.Written {
		return "the answer is not valid HTTP"
	}
	return "the connection could not be opened"
}

// nameFault returns what is wrong with the endpoint's host name, or "".
func nameFault(err error) string {
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case !ok:
		return ""
	case dns.IsNotFound:
		return "the host name does not exist"
	}
	return "the host name could not be resolved"
}

// tlsFault returns what is wrong with the endpoint's TLS, or "".
func tlsFault(err error) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "the certificate is not valid for the host name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "the certificate is signed by an unknown authority"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "the certificate has expired or is not yet valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not valid"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "the server does not speak TLS"
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return "the server refused the TLS handshake"
	}
	return ""
}

// timeFault returns which time ran out, or "".
func timeFault(call *outbound.Error) string {
	timeout, ok := errors.AsType[net.Error](call.Err)
	switch {
	case !errors.Is(call.Err, context.DeadlineExceeded) && !errors.Is(call.Err, os.ErrDeadlineExceeded) && !(ok && timeout.Timeout()):
		return ""
	case call.Written:
		return fmt.Sprintf("no answer within %.0f s", callTime.Seconds())
	}
	return fmt.Sprintf("no connection within %.0f s", dialTime.Seconds())
}

// connectionFault returns what became of the connection, or "".
func connectionFault(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset before an answer arrived"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the host is unreachable"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before an answer arrived"
	}
	return ""
}
