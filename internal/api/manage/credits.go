package manage

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// creditsView is what an account has left.
type creditsView struct {
	Enabled bool    `json:"enabled" doc:"Whether messages are charged at all."`
	Balance decimal `json:"balance"`
}

// ledgerView is one movement of the balance.
type ledgerView struct {
	ID      int64        `json:"id"`
	Kind    string       `json:"kind" enum:"debit,refund,refund_reversed,topup"`
	Amount  decimal      `json:"amount" doc:"Negative: taken."`
	Message *dispatch.ID `json:"message_id,omitempty"`
	At      time.Time    `json:"at"`
}

type creditsChange struct {
	Body struct {
		Amount  decimal `json:"amount,omitempty" doc:"Added to the balance; negative: taken from it."`
		Enabled *bool   `json:"enabled,omitempty"`
	}
}

func (m *manager) credits() {
	s := m.s
	const tag = "Credits"
	handle(m, route{method: http.MethodGet, path: "/v1/credits", permissions: forManage, tag: tag, summary: "Show the balance"}, s.showCredits)
	handle(m, route{method: http.MethodPost, path: "/v1/credits", permissions: forManage, tag: tag, summary: "Top up, or turn credits on or off"}, s.changeCredits)
	handle(m, route{method: http.MethodGet, path: "/v1/credits/ledger", permissions: forManage, tag: tag, summary: "List movements of the balance", text: "Newest first."}, s.listLedger)
}

func viewCredits(a *account.Account) *creditsView {
	return &creditsView{Enabled: a.Credits, Balance: decimal(a.Balance)}
}

func (s *server) showCredits(ctx context.Context, who *accept.Caller, _ *struct{}) (*creditsView, error) {
	a, err := s.Accounts.Account(ctx, who.Account.ID)
	return viewCredits(&a), err
}

func (s *server) changeCredits(ctx context.Context, who *accept.Caller, in *creditsChange) (*creditsView, error) {
	var f dispatch.Faults
	in.Body.Amount.check(&f, "/amount")
	if in.Body.Amount == 0 && in.Body.Enabled == nil {
		f.Add("/amount", "is required, or enabled")
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	var a account.Account
	err := s.change(ctx, who, func(st *account.Store) (n account.Note, err error) {
		if a, err = st.Account(ctx, who.Account.ID); err != nil {
			return n, err
		}
		set(&a.Credits, in.Body.Enabled)
		a, err = st.SetCredits(ctx, a.ID, a.Credits, int64(in.Body.Amount))
		return account.Note{Action: "credits.change", Target: target("account", a.ID), Detail: map[string]any{"amount": in.Body.Amount, "enabled": a.Credits}}, err
	})
	return viewCredits(&a), err
}

func (s *server) listLedger(ctx context.Context, who *accept.Caller, in *listIn) (middleware.List[ledgerView], error) {
	before, err := in.afterID()
	if err != nil {
		return middleware.List[ledgerView]{}, err
	}
	rows, err := s.Accounts.Ledger(ctx, who.Account.ID, before, in.Limit+1)
	if err != nil {
		return middleware.List[ledgerView]{}, err
	}
	views := make([]ledgerView, len(rows))
	for i, r := range rows {
		views[i] = ledgerView{ID: r.ID, Kind: r.Kind, Amount: decimal(r.Amount), Message: r.Message, At: r.At.UTC()}
	}
	return pageOf(views, in.Limit, func(l *ledgerView) string { return strconv.FormatInt(l.ID, 10) }), nil
}
