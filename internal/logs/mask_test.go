package logs_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/logs"
)

func TestMask_NumbersInErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"recipient +15550000100 is not on WhatsApp":            "recipient +…0100 is not on WhatsApp",
		"to=919876543210: opted out":                           "to=…3210: opted out",
		`{"to":"447700900123"}`:                                `{"to":"…0123"}`,
		"919876543210,919876543211 919876543212":               "…3210,…3211 …3212",
		"(12345678)":                                           "(…5678)",
		"code 131026 after 1500 ms":                            "code 131026 after 1500 ms",
		"message 01a2b3c4-0000-7000-8000-123456789012 gone":    "message 01a2b3c4-0000-7000-8000-123456789012 gone",
		"dial tcp 127.0.0.1:54321: connection refused":         "dial tcp 127.0.0.1:54321: connection refused",
		"SM12345678901234567890 unknown":                       "SM12345678901234567890 unknown",
		"at 2026-11-29T10:00:00.123456789Z, 20000000000000000": "at 2026-11-29T10:00:00.123456789Z, 20000000000000000",
	} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: logs.Mask}))
		log.Warn("failed", "error", fmt.Errorf("call: %w", errors.New(text)), "n", 12345678)
		got := out.String()
		if !strings.Contains(got, fmt.Sprintf("error=%q", "call: "+want)) || !strings.Contains(got, "n=12345678") {
			t.Errorf("%q is logged as %s", text, got)
		}
	}
}
