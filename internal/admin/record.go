package admin

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sendoff/sendoff/internal/store/account"
)

// AuditFilter selects entries of the audit log.
type AuditFilter struct {
	Paging

	Actor  string `query:"actor" maxLength:"100" doc:"Such as key:12."`
	Action string `query:"action" maxLength:"100" doc:"Such as key.create."`
	Target string `query:"target" maxLength:"100" doc:"Such as channel:3."`
}

// AuditEntry is a change and who made it.
type AuditEntry struct {
	ID     int64           `json:"id"`
	Actor  string          `json:"actor"`
	Action string          `json:"action"`
	Target string          `json:"target,omitempty"`
	Detail json.RawMessage `json:"detail"`
	At     time.Time       `json:"at"`
}

// Audit lists the audit log, newest first.
func (s *Service) Audit(ctx context.Context, who Actor, in AuditFilter) (Page[AuditEntry], error) {
	none := Page[AuditEntry]{}
	before, err := in.afterID()
	if err != nil {
		return none, err
	}
	rows, next, err := s.Store.AuditLog(ctx, who.Account, account.AuditFilter{
		Actor: in.Actor, Action: in.Action, Target: in.Target, Before: before, Limit: in.most(),
	})
	if err != nil {
		return none, err
	}
	view := func(e *account.AuditEntry) AuditEntry {
		return AuditEntry{e.ID, e.Actor, e.Action, e.Target, e.Detail, e.At.UTC()}
	}
	return PageUpTo(rows, next, view), nil
}

// Usage is the usage of an account's keys.
type Usage struct {
	Page[KeyUsage]

	Days []DayUsage `json:"days" doc:"All keys together: the last 30 UTC days, today first."`
}

// KeyUsage is the usage of one key.
type KeyUsage struct {
	Key           int64      `json:"key_id"`
	Name          string     `json:"name"`
	Prefix        string     `json:"prefix"`
	CallsToday    int64      `json:"calls_today"`
	MessagesToday int64      `json:"messages_today"`
	Calls         int64      `json:"calls_30_days"`
	Messages      int64      `json:"messages_30_days"`
	LastUsed      *time.Time `json:"last_used_at,omitempty"`
}

// DayUsage is the usage of one UTC day.
type DayUsage struct {
	Day      string `json:"day"`
	Calls    int64  `json:"calls"`
	Messages int64  `json:"messages"`
}

// Usage returns the calls and messages of today and of the last 30 UTC days.
func (s *Service) Usage(ctx context.Context, who Actor, p Paging) (*Usage, error) {
	after, err := p.afterID()
	if err != nil {
		return nil, err
	}
	keys, err := s.Store.KeyUsages(ctx, who.Account, after, p.rows())
	if err != nil {
		return nil, err
	}
	days, err := s.Store.DayUsages(ctx, who.Account)
	if err != nil {
		return nil, err
	}
	v := &Usage{Days: []DayUsage{}}
	v.Page = pageOf(&p, keys, func(k *account.KeyUsage) KeyUsage {
		return KeyUsage{k.Key, k.Name, k.Prefix, k.CallsToday, k.MessagesToday, k.Calls, k.Messages, UTC(k.LastUsed)}
	}, func(k *account.KeyUsage) string { return idCursor(k.Key) })
	for _, d := range days {
		v.Days = append(v.Days, DayUsage(d))
	}
	return v, nil
}
