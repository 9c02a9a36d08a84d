package admin

import (
	"context"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	hookstore "github.com/sendoff/sendoff/internal/store/webhook"
)

// Store is what the use cases need of the database.
type Store interface {
	Tx
	// Change runs f in a transaction and writes the audit entry that f returns in
	// the same one.
	Change(ctx context.Context, actor string, f func(Tx) (account.Note, error)) error
}

// Tx reads and writes the records of accounts. Within a change, a record that
// was read stays as it is until the change ends.
type Tx interface {
	accounts
	users
	keys
	channels
	templates
	contacts
	lists
	suppressions
	webhooks
	deliveries
	records
}

type accounts interface {
	Accounts(ctx context.Context) ([]account.Account, error)
	Account(ctx context.Context, id int64) (account.Account, error)
	CreateAccount(ctx context.Context, name string) (account.Account, error)
	UpdateAccount(ctx context.Context, a account.Account) (account.Account, error)
	SetDisabled(ctx context.Context, account int64, disabled bool) (account.Account, error)
	DeleteAccount(ctx context.Context, id int64) error
	SetCredits(ctx context.Context, account int64, on bool, amount int64) (account.Account, error)
	Ledger(ctx context.Context, account, before int64, limit int) ([]account.LedgerEntry, error)
}

type users interface {
	Members(ctx context.Context, account int64) ([]account.Member, error)
	Member(ctx context.Context, account int64, id string) (account.Member, error)
	CreateUser(ctx context.Context, account int64, name, email, role, passwordHash string) (dispatch.User, error)
	UpdateMember(ctx context.Context, m account.Member, passwordHash string) (account.Member, error)
	DeleteMember(ctx context.Context, account int64, id string) error
}

type keys interface {
	Keys(ctx context.Context, account int64) ([]account.Key, error)
	Key(ctx context.Context, account, id int64) (account.Key, error)
	CreateKey(ctx context.Context, k account.Key, hash []byte) (account.Key, error)
	UpdateKey(ctx context.Context, k account.Key) (account.Key, error)
	RotateKey(ctx context.Context, account, id int64, prefix string, hash []byte, overlap time.Duration) (account.Key, error)
	DeleteKey(ctx context.Context, account, id int64) error
}

type channels interface {
	channelReader
	Channels(ctx context.Context, account int64) ([]dispatch.Channel, error)
	CreateChannel(ctx context.Context, c dispatch.Channel) (dispatch.Channel, error)
	UpdateChannel(ctx context.Context, c dispatch.Channel) (dispatch.Channel, error)
	DeleteChannel(ctx context.Context, account, id int64) error
	OpenCircuits(ctx context.Context) ([]store.Health, error)
	ChannelHealth(ctx context.Context, channel int64) (store.Health, error)
	ChannelReports(ctx context.Context, account int64) (map[int64][]dispatch.ChannelReport, error)
	PauseChannel(ctx context.Context, channel int64, reason string) error
	CloseCircuit(ctx context.Context, channel int64, manual bool) error
}

type templates interface {
	Templates(ctx context.Context, account int64) ([]template.Template, error)
	Template(ctx context.Context, account, id int64) (template.Template, error)
	SaveTemplate(ctx context.Context, t template.Template) (template.Template, error)
	DeleteTemplate(ctx context.Context, account, id int64) error
	SyncTemplates(ctx context.Context, account, channel int64, ts []template.Template) (created, updated, disabled int, err error)
}

type contacts interface {
	Contacts(ctx context.Context, account int64, f account.ContactFilter) (page []account.Contact, next int64, err error)
	Contact(ctx context.Context, account, id int64) (account.Contact, error)
	CreateContact(ctx context.Context, c account.Contact) (account.Contact, error)
	UpdateContact(ctx context.Context, c account.Contact) (account.Contact, error)
	DeleteContact(ctx context.Context, account, id int64) error
}

type lists interface {
	ListInfos(ctx context.Context, account, after int64, limit int) ([]account.ListInfo, error)
	ListInfo(ctx context.Context, account, id int64) (account.ListInfo, error)
	CreateList(ctx context.Context, account int64, name, timeZone string) (account.List, error)
	UpdateList(ctx context.Context, account int64, l account.ListInfo) (account.ListInfo, error)
	DeleteList(ctx context.Context, account, id int64) error
	AddMembers(ctx context.Context, account, list int64, contacts []int64) (unknown []int64, err error)
	RemoveMember(ctx context.Context, account, list, contact int64) error
}

type suppressions interface {
	KnownIDs
	Suppressions(ctx context.Context, account int64, prefix, after string, limit int) ([]account.Suppression, error)
	Suppress(ctx context.Context, account int64, phone, scope, detail string) (account.Suppression, error)
	Unsuppress(ctx context.Context, account int64, phone string) error
}

type webhooks interface {
	webhookReader
	Webhooks(ctx context.Context, account int64) ([]hookstore.Endpoint, error)
	CreateWebhook(ctx context.Context, w hookstore.Endpoint) (hookstore.Endpoint, error)
	ChangeWebhook(ctx context.Context, account, id int64, change func(*hookstore.Endpoint) error) (hookstore.Endpoint, error)
	DeleteWebhook(ctx context.Context, account, id int64) error
	StatusCallbackToken(ctx context.Context, account int64) (string, error)
}

type deliveries interface {
	Deliveries(ctx context.Context, webhook int64, state int, cursor string, limit int) ([]hookstore.LoggedDelivery, string, error)
	OfMessage(ctx context.Context, account int64, message dispatch.ID) ([]hookstore.LoggedDelivery, error)
	TestDelivery(ctx context.Context, w *hookstore.Endpoint, payload string) (dispatch.ID, error)
	ReplayDelivery(ctx context.Context, webhook int64, id dispatch.ID) error
	ReplayWebhook(ctx context.Context, id int64, from, to time.Time) error
}

type records interface {
	AuditLog(ctx context.Context, account int64, f account.AuditFilter) (page []account.AuditEntry, next int64, err error)
	KeyUsages(ctx context.Context, account, after int64, limit int) ([]account.KeyUsage, error)
	DayUsages(ctx context.Context, account int64) ([]account.DayUsage, error)
}
