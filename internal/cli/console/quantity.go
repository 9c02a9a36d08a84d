package console

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads a time: RFC 3339, a day, or a while from now (90s, 10m, 24h, 30d).
func ParseTime(s string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	rest := strings.TrimPrefix(s, "+")
	if days, ok := strings.CutSuffix(rest, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, n), nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("%q is no time like 2026-01-02T15:04:05Z, 2026-01-02, 10m, 24h or 30d", s)
	}
	return now.Add(d), nil
}

// ParseCredits reads a decimal number of credits as millionths, exactly.
func ParseCredits(s string) (int64, error) {
	wrong := fmt.Errorf("%q is no number of credits like 100, 0.25 or -3.5 (at most six decimals)", s)
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return 0, wrong
	}
	whole, part, _ := strings.Cut(digits, ".")
	if whole+part == "" || len(part) > 6 || strings.Trim(whole+part, "0123456789") != "" {
		return 0, wrong
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", 6-len(part)), 10, 64)
	if err != nil {
		return 0, wrong
	}
	if strings.HasPrefix(s, "-") {
		n = -n
	}
	return n, nil
}

// SplitPair cuts name=value.
func SplitPair(s string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return "", "", errors.New(strconv.Quote(s) + " must look like name=value")
	}
	return name, value, nil
}
