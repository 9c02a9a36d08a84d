package manage

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
)

type inboundList struct {
	Paging
	Channel string `query:"channel" maxLength:"64" doc:"A channel's id or key."`
	From    string `query:"from" maxLength:"64" doc:"The contact's number."`
}

type auditList struct {
	Paging
	Actor  string `query:"actor" maxLength:"100" doc:"Such as key:12."`
	Action string `query:"action" maxLength:"100" doc:"Such as key.create."`
	Target string `query:"target" maxLength:"100" doc:"Such as channel:3."`
}

// usageView is the use of an account's keys, and of the account by day.
type usageView struct {
	Data []account.KeyUsage `json:"data"`
	Next string             `json:"next_cursor,omitempty"`
	Days []account.DayUsage `json:"days" doc:"All keys together: the last 30 UTC days, today first."`
}

// records serves what is there to be read only.
func (m *manager) records() {
	s := m.s
	handle(m, route{method: http.MethodGet, path: "/v1/inbound", permissions: forMessages, tag: "Inbound", summary: "List messages that contacts have sent", text: "Newest first."}, s.listInbound)
	handle(m, route{method: http.MethodGet, path: "/v1/usage", permissions: forManage, tag: "Account", summary: "Show how much each key was used", text: "Calls and messages of today and of the last 30 UTC days."}, s.showUsage)
	handle(m, route{method: http.MethodGet, path: "/v1/audit", permissions: forManage, tag: "Account", summary: "List changes and who made them", text: "Newest first."}, s.listAudit)
	handle(m, route{method: http.MethodGet, path: "/v1/account", permissions: forManage, tag: "Account", summary: "Show the account"}, s.showAccount)
}

func (s *server) listInbound(ctx context.Context, who *accept.Caller, in *inboundList) (middleware.List[store.Inbound], error) {
	var none middleware.List[store.Inbound]
	f := store.InboundFilter{Limit: in.Limit + 1}
	after, err := in.after()
	if err != nil {
		return none, err
	}
	if after != "" {
		id, err := uuid.Parse(after)
		if err != nil {
			return none, badCursor()
		}
		f.Before = &id
	}
	if in.Channel != "" {
		raw, err := json.Marshal(in.Channel)
		if err != nil {
			return none, err
		}
		ch, err := s.namedChannel(ctx, who.Account.ID, raw)
		if err != nil {
			return none, err
		}
		f.Channel = ch.ID
	}
	if in.From != "" {
		var faults dispatch.Faults
		f.From = phone(&faults, "/from", strings.Replace(in.From, " ", "+", 1))
		if err := faults.Err(); err != nil {
			return none, err
		}
	}
	rows, err := s.Store.Inbounds(ctx, who.Account.ID, f)
	if err != nil {
		return none, err
	}
	for i := range rows {
		rows[i].At, rows[i].ReceivedAt = rows[i].At.UTC(), rows[i].ReceivedAt.UTC()
	}
	return pageOf(rows, in.Limit, func(r *store.Inbound) string { return r.ID.String() }), nil
}

func (s *server) showUsage(ctx context.Context, who *accept.Caller, in *listIn) (*usageView, error) {
	after, err := in.afterID()
	if err != nil {
		return nil, err
	}
	keys, err := s.Accounts.KeyUsages(ctx, who.Account.ID, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	for i := range keys {
		keys[i].LastUsed = utc(keys[i].LastUsed)
	}
	page := pageOf(keys, in.Limit, func(k *account.KeyUsage) string { return strconv.FormatInt(k.Key, 10) })
	days, err := s.Accounts.DayUsages(ctx, who.Account.ID)
	return &usageView{Data: page.Data, Next: page.Next, Days: days}, err
}

func (s *server) listAudit(ctx context.Context, who *accept.Caller, in *auditList) (middleware.List[account.AuditEntry], error) {
	var none middleware.List[account.AuditEntry]
	before, err := in.afterID()
	if err != nil {
		return none, err
	}
	rows, err := s.Accounts.AuditLog(ctx, who.Account.ID, account.AuditFilter{Actor: in.Actor, Action: in.Action, Target: in.Target, Before: before, Limit: in.Limit + 1})
	if err != nil {
		return none, err
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return pageOf(rows, in.Limit, func(e *account.AuditEntry) string { return strconv.FormatInt(e.ID, 10) }), nil
}

func (s *server) showAccount(ctx context.Context, who *accept.Caller, _ *struct{}) (*account.Account, error) {
	a, err := s.Accounts.Account(ctx, who.Account.ID)
	a.CreatedAt = a.CreatedAt.UTC()
	return &a, err
}
