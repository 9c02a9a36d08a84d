package manage

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/webhook"
)

const (
	created  = http.StatusCreated
	accepted = http.StatusAccepted
	ok       = http.StatusOK
)

// secretOnce describes that a secret is returned once.
const secretOnce = "The secret is in this answer only."

// routes adds the routes, by the sections of the description.
func (m *manager) routes() {
	m.keys()
	m.channels()
	m.templates()
	m.contacts()
	m.suppressions()
	m.users()
	m.account()
	m.webhooks()
	m.campaigns()
}

func (m *manager) keys() {
	const tag = "Keys"
	a := m.Admin
	list(m, route{"/v1/keys", forManage, tag, "List API keys", ""}, a.Keys)
	create(m, created, route{"/v1/keys", forManage, tag, "Create an API key", secretOnce}, a.CreateKey)
	get(m, route{"/v1/keys/{id}", forManage, tag, "Retrieve an API key", ""}, a.Key)
	update(m, http.MethodPatch, route{
		"/v1/keys/{id}", forManage, tag, "Update an API key",
		"Fields that are left out stay as they are. Every process applies the change within a second.",
	}, a.UpdateKey)
	drop(m, route{"/v1/keys/{id}", forManage, tag, "Delete an API key", "The key is refused at once. This cannot be undone."}, a.DeleteKey)
	action(m, ok, route{
		"/v1/keys/{id}/rotate", forManage, tag, "Rotate an API key",
		secretOnce + " The old secret stays valid until the overlap ends.",
	}, a.RotateKey)
}

func (m *manager) channels() {
	const tag = "Channels"
	a := m.Admin
	list(m, route{"/v1/channels", forMessages, tag, "List channels", ""}, a.Channels)
	create(m, created, route{
		"/v1/channels", forManage, tag, "Create a channel",
		"The account's first channel becomes its default.",
	}, a.CreateChannel)
	only(m, route{"/v1/providers", forMessages, tag, "List providers", "For which channels can be created, with their settings and secrets."},
		m.vendors)
	get(m, route{"/v1/channels/{id}", forMessages, tag, "Retrieve a channel", ""}, a.Channel)
	update(m, http.MethodPatch, route{
		"/v1/channels/{id}", forManage, tag, "Update a channel",
		"Fields that are left out stay as they are. Of settings and secrets, those that are named change, and null removes one.",
	}, a.UpdateChannel)
	drop(m, route{
		"/v1/channels/{id}", forManage, tag, "Delete a channel",
		"Refused while messages of the channel are unfinished; disable it instead.",
	}, a.DeleteChannel)
	action(m, ok, route{
		"/v1/channels/{id}/pause", forManage, tag, "Pause a channel",
		"Messages are still accepted, and wait.",
	}, a.PauseChannel)
	act(m, ok, route{
		"/v1/channels/{id}/resume", forManage, tag, "Resume a channel",
		"Also closes a circuit that failures have opened.",
	}, a.ResumeChannel)
	action(m, ok, route{
		"/v1/channels/{id}/callback-secret", forManage, tag, "Rotate a callback secret",
		"The new callback address is in this answer only. The old one stays valid until the overlap ends.",
	}, a.RotateCallback)
}

func (m *manager) templates() {
	const tag = "Templates"
	a := m.Admin
	list(m, route{"/v1/templates", forTemplates, tag, "List templates", ""}, a.Templates)
	create(m, created, route{
		"/v1/templates", forManage, tag, "Register a template",
		"Registers a template that exists at the provider. It is not submitted there.",
	}, a.CreateTemplate)
	create(m, ok, route{
		"/v1/templates/sync", forManage, tag, "Synchronise templates",
		"Reads the templates of a channel from its provider: new ones are created, known ones updated, missing ones disabled.",
	}, a.SyncTemplates)
	get(m, route{"/v1/templates/{id}", forTemplates, tag, "Retrieve a template", ""}, a.Template)
	update(m, http.MethodPatch, route{
		"/v1/templates/{id}", forManage, tag, "Update a template",
		"Fields that are left out stay as they are.",
	}, a.UpdateTemplate)
	update(m, http.MethodPut, route{"/v1/templates/{id}", forManage, tag, "Replace a template", ""}, a.ReplaceTemplate)
	drop(m, route{"/v1/templates/{id}", forManage, tag, "Delete a template", "Only here: the provider keeps it."}, a.DeleteTemplate)
	action(m, ok, route{
		"/v1/templates/{id}/preview", forTemplates, tag, "Preview a template",
		"Fills in the template as a message would.",
	}, a.PreviewTemplate)
}

// MemberPath is the path of a contact in a list.
type MemberPath struct {
	IDPath

	Contact int64 `path:"contact_id" minimum:"1"`
}

func (m *manager) contacts() {
	const contacts, lists = "Contacts", "Lists"
	a := m.Admin
	list(m, route{"/v1/contacts", forMessages, contacts, "List contacts", ""}, a.Contacts)
	create(m, created, route{"/v1/contacts", forManage, contacts, "Create a contact", ""}, a.CreateContact)
	get(m, route{"/v1/contacts/{id}", forMessages, contacts, "Retrieve a contact", ""}, a.Contact)
	update(m, http.MethodPatch, route{
		"/v1/contacts/{id}", forManage, contacts, "Update a contact",
		"Fields that are left out stay as they are.",
	}, a.UpdateContact)
	drop(m, route{
		"/v1/contacts/{id}", forManage, contacts, "Delete a contact",
		"Messages and suppressions of the number stay.",
	}, a.DeleteContact)

	list(m, route{"/v1/lists", forMessages, lists, "List contact lists", ""}, a.Lists)
	create(m, created, route{"/v1/lists", forManage, lists, "Create a contact list", ""}, a.CreateList)
	get(m, route{"/v1/lists/{id}", forMessages, lists, "Retrieve a contact list", "Its members: GET /v1/contacts?list={id}."}, a.List)
	update(m, http.MethodPatch, route{"/v1/lists/{id}", forManage, lists, "Update a contact list", ""}, a.UpdateList)
	drop(m, route{"/v1/lists/{id}", forManage, lists, "Delete a contact list", "Its contacts stay."}, a.DeleteList)
	update(m, http.MethodPost, route{
		"/v1/lists/{id}/members", forManage, lists, "Add contacts to a list",
		"All of them or none. Contacts that are members already stay members.",
	}, a.AddMembers)
	remove(m, route{"/v1/lists/{id}/members/{contact_id}", forManage, lists, "Remove a contact from a list", ""},
		func(ctx context.Context, who admin.Actor, in *MemberPath) error {
			return a.RemoveMember(ctx, who, in.ID, in.Contact)
		})
}

// PhonePath is the path of a suppression.
type PhonePath struct {
	Phone string `path:"phone" doc:"In international form."`
}

func (m *manager) suppressions() {
	const tag = "Suppressions"
	a := m.Admin
	list(m, route{"/v1/suppressions", forMessages, tag, "List suppressions", "Ordered by number."}, a.Suppressions)
	create(m, created, route{
		"/v1/suppressions", forManage, tag, "Suppress a number",
		"Nothing is sent to it from then on, not even messages that are waiting.",
	}, a.CreateSuppression)
	remove(m, route{
		"/v1/suppressions/{phone}", forManage, tag, "Remove a suppression",
		"The number can be sent to again.",
	}, func(ctx context.Context, who admin.Actor, in *PhonePath) error {
		number, err := url.PathUnescape(in.Phone) // echo leaves %2B as it is
		if err != nil {
			return dispatch.Errorf(dispatch.NotFound, "not found")
		}
		return a.DeleteSuppression(ctx, who, number)
	})
	create(m, accepted, route{
		"/v1/erasures", forManage, "Contacts", "Erase a person",
		"Removes contact, inbound messages, the content and recipient of messages, webhook bodies and audit details, in the background. " +
			"No import writes the person again.",
	}, m.Erasures.Create)
	get(m, route{"/v1/erasures/{id}", forManage, "Contacts", "Retrieve an erasure", "How much was removed where."}, m.Erasures.Get)
}

// UserPath is the path of a user.
type UserPath struct {
	ID string `path:"id"`
}

type userUpdate struct {
	UserPath
	Body body[admin.UserUpdate]
}

func (m *manager) users() {
	const tag = "Users"
	a := m.Admin
	list(m, route{"/v1/users", forManage, tag, "List users", "The account's team."}, a.Users)
	create(m, created, route{"/v1/users", forManage, tag, "Create a user", ""}, a.CreateUser)
	handle(m, http.MethodGet, ok, route{"/v1/users/{id}", forManage, tag, "Retrieve a user", ""},
		func(ctx context.Context, who admin.Actor, in *UserPath) (*admin.User, error) {
			return a.User(ctx, who, in.ID)
		})
	handle(m, http.MethodPatch, ok, route{
		"/v1/users/{id}", forManage, tag, "Update a user",
		"Fields that are left out stay as they are. The last owner stays an owner.",
	},
		func(ctx context.Context, who admin.Actor, in *userUpdate) (*admin.User, error) {
			return with(&in.Body, who, func(who admin.Actor, b admin.UserUpdate) (*admin.User, error) {
				return a.UpdateUser(ctx, who, in.ID, b)
			})
		})
	remove(m, route{"/v1/users/{id}", forManage, tag, "Delete a user", "What the user sent stays."},
		func(ctx context.Context, who admin.Actor, in *UserPath) error { return a.DeleteUser(ctx, who, in.ID) })
}

func (m *manager) account() {
	const tag, credits = "Account", "Credits"
	a := m.Admin
	only(m, route{"/v1/account", forManage, tag, "Retrieve the account", ""}, a.Account)
	updateOnly(m, route{"/v1/account", forManage, tag, "Update the account", "Fields that are left out stay as they are."}, a.UpdateAccount)
	list(m, route{
		"/v1/usage", forManage, tag, "Retrieve the usage of keys",
		"Calls and messages of today and of the last 30 UTC days.",
	}, a.Usage)
	list(m, route{"/v1/audit", forManage, tag, "List the audit log", "Who changed what, newest first."}, a.Audit)
	list(m, route{"/v1/inbound", forMessages, "Inbound", "List inbound messages", "What contacts have sent, newest first."}, m.inbound)
	handle(m, http.MethodGet, ok, route{
		"/v1/inbound/{id}", forMessages, "Inbound", "Retrieve an inbound message",
		"With raw, the message as the provider sent it.",
	}, m.oneInbound)
	list(m, route{
		"/v1/callbacks/ignored", forMessages, "Account", "List ignored callbacks",
		"The last 1,000 callbacks of providers that nothing was read from, newest first.",
	}, m.ignored)
	list(m, route{
		"/v1/opt-out-words", forMessages, "Inbound", "List opt-out words",
		"The words with which contacts opt out and in, by language. opt_out_languages of the account chooses which count; " +
			"words that mean nothing else count in every language unless it does.",
	}, a.OptOutWords)
	only(m, route{"/v1/credits", forBalance, credits, "Retrieve the balance", ""}, a.Credits)
	create(m, ok, route{"/v1/credits", forCredits, credits, "Add credits, or turn charging on or off", ""}, a.ChangeCredits)
	list(m, route{"/v1/credits/ledger", forBalance, credits, "List movements of the balance", "Newest first."}, a.Ledger)
}

// DeliveriesOf selects deliveries of a webhook.
type DeliveriesOf struct {
	IDPath
	admin.DeliveryFilter
}

// DeliveryPath is the path of a delivery.
type DeliveryPath struct {
	IDPath

	Delivery string `path:"delivery"`
}

func (m *manager) webhooks() {
	const tag = "Webhooks"
	a := m.Admin
	list(m, route{"/v1/webhooks", forManage, tag, "List webhooks", ""}, a.Webhooks)
	create(m, created, route{"/v1/webhooks", forManage, tag, "Create a webhook", secretOnce}, a.CreateWebhook)
	only(m, route{
		"/v1/webhooks" + webhook.TokenPath, forManage, tag,
		"Retrieve the token that signs status callbacks in Twilio's format", "",
	}, a.StatusCallbackToken)
	get(m, route{"/v1/webhooks/{id}", forManage, tag, "Retrieve a webhook", ""}, a.Webhook)
	update(m, http.MethodPatch, route{
		"/v1/webhooks/{id}", forManage, tag, "Update a webhook",
		"Fields that are left out stay as they are.",
	}, a.UpdateWebhook)
	drop(m, route{"/v1/webhooks/{id}", forManage, tag, "Delete a webhook", ""}, a.DeleteWebhook)
	act(m, ok, route{
		"/v1/webhooks/{id}/enable", forManage, tag, "Enable a webhook",
		"After failures, or an answer of 410, have disabled it.",
	}, a.EnableWebhook)
	action(m, ok, route{
		"/v1/webhooks/{id}/rotate", forManage, tag, "Rotate a webhook's secret",
		secretOnce + " The old secret signs as well until the overlap ends.",
	}, a.RotateWebhook)
	act(m, accepted, route{"/v1/webhooks/{id}/test", forManage, tag, "Send a test event", ""}, a.TestWebhook)
	action(m, accepted, route{
		"/v1/webhooks/{id}/replay", forManage, tag, "Replay a time range",
		"Sends the events of a time range again.",
	}, a.ReplayWebhook)
	handle(m, http.MethodGet, ok, route{
		"/v1/webhooks/{id}/deliveries", forManage, tag, "List deliveries",
		"With request and response, newest first.",
	},
		func(ctx context.Context, who admin.Actor, in *DeliveriesOf) (admin.Page[*admin.Delivery], error) {
			return a.Deliveries(ctx, who, in.ID, in.DeliveryFilter)
		})
	handle(m, http.MethodPost, accepted, route{
		"/v1/webhooks/{id}/deliveries/{delivery}/replay", forManage, tag, "Replay a delivery",
		"Sends one event again, with the same id and body.",
	},
		func(ctx context.Context, who admin.Actor, in *DeliveryPath) (*admin.QueuedDelivery, error) {
			return a.ReplayDelivery(ctx, who, in.ID, in.Delivery)
		})
}
