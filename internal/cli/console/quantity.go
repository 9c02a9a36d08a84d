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

// SplitPair cuts name=value.
func SplitPair(s string) (name, value string, err error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return "", "", errors.New(strconv.Quote(s) + " must look like name=value")
	}
	return name, value, nil
}
