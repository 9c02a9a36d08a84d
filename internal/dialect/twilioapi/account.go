package twilioapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// twilioAccount is Twilio's account.
type twilioAccount struct {
	SID          string `json:"sid" required:"true"`
	FriendlyName string `json:"friendly_name" required:"true"`
	Status       string `json:"status" required:"true" enum:"active,suspended"`
	Type         string `json:"type" required:"true" enum:"Full"`
	OwnerSID     string `json:"owner_account_sid" required:"true"`
	AuthToken    string `json:"auth_token" required:"true" doc:"Always empty: keys are never shown."`
	DateCreated  string `json:"date_created" required:"true"`
	DateUpdated  string `json:"date_updated" required:"true"`
	URI          string `json:"uri" required:"true"`
}

// readAccount answers GET Accounts/AC....json.
func readAccount(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if sid, json := strings.CutSuffix(r.PathValue("account"), ".json"); !json {
		return dialect.Reply{}, dispatch.Errorf(dispatch.NotFound, "no such account")
	} else if sid != a.SID {
		return dialect.Reply{}, wrongAccount()
	}
	p, err := src.Profile(ctx, a.ID)
	if err != nil {
		return dialect.Reply{}, err
	}
	out := twilioAccount{
		SID: a.SID, FriendlyName: p.Name, Status: "active", Type: "Full", OwnerSID: a.SID, URI: "/2010-04-01/Accounts/" + a.SID + ".json",
		DateCreated: date(p.Created), DateUpdated: date(p.Created),
	}
	if p.Disabled {
		out.Status = "suspended"
	}
	return dialect.Reply{Status: http.StatusOK, Body: out}, nil
}

// twilioBalance is Twilio's, in credits.
type twilioBalance struct {
	AccountSID string `json:"account_sid" required:"true"`
	Balance    string `json:"balance" required:"true" doc:"Credits."`
	Currency   string `json:"currency" required:"true"`
}

// readBalance answers GET Balance.json.
func readBalance(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	p, err := src.Profile(ctx, a.ID)
	if err != nil {
		return dialect.Reply{}, err
	}
	return dialect.Reply{Status: http.StatusOK, Body: twilioBalance{a.SID, p.Balance, "USD"}}, nil
}

// twilioNumber is one of our SMS senders as Twilio's incoming phone number.
type twilioNumber struct {
	SID          string          `json:"sid" required:"true"`
	AccountSID   string          `json:"account_sid" required:"true"`
	FriendlyName string          `json:"friendly_name" required:"true"`
	PhoneNumber  string          `json:"phone_number" required:"true"`
	Capabilities map[string]bool `json:"capabilities" required:"true"`
	Status       string          `json:"status" required:"true"`
	APIVersion   string          `json:"api_version" required:"true"`
	URI          string          `json:"uri" required:"true"`
}

// twilioNumbers is the list of numbers, always one page.
type twilioNumbers struct {
	Paging

	Numbers []twilioNumber `json:"incoming_phone_numbers" required:"true" nullable:"false"`
}

// numbers returns the SMS senders of the account that are numbers.
func numbers(ctx context.Context, src dialect.Reader, a dialect.Account) ([]twilioNumber, error) {
	cs, err := src.Channels(ctx, a.ID)
	out := []twilioNumber{}
	for _, c := range cs {
		if c.Kind != "sms" || !strings.HasPrefix(c.Sender, "+") {
			continue
		}
		id := uuid.NewSHA1(uuid.NameSpaceOID, []byte("channel:"+strconv.FormatInt(c.ID, 10)))
		sid := "PN" + hex.EncodeToString(id[:])
		out = append(out, twilioNumber{
			SID: sid, AccountSID: a.SID, FriendlyName: c.Name, PhoneNumber: c.Sender, Status: "in-use", APIVersion: "2010-04-01",
			Capabilities: map[string]bool{"sms": true, "mms": true, "voice": false, "fax": false},
			URI:          "/2010-04-01/Accounts/" + a.SID + "/IncomingPhoneNumbers/" + sid + ".json",
		})
	}
	return out, err
}

// readNumbers answers GET IncomingPhoneNumbers.json.
func readNumbers(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	all, err := numbers(ctx, src, a)
	if err != nil {
		return dialect.Reply{}, err
	}
	q := r.URL.Query()
	if want := q.Get("PhoneNumber"); want != "" {
		e164, err := phone.ParseQuery(want, a.Region)
		all = slices.DeleteFunc(all, func(n twilioNumber) bool { return err != nil || n.PhoneNumber != e164 })
	}
	if want := q.Get("FriendlyName"); want != "" {
		all = slices.DeleteFunc(all, func(n twilioNumber) bool { return n.FriendlyName != want })
	}
	return dialect.Reply{Status: http.StatusOK, Body: twilioNumbers{onlyPage(r.URL.RequestURI(), len(all)), all}}, nil
}

// readNumber answers GET IncomingPhoneNumbers/PN....json.
func readNumber(ctx context.Context, src dialect.Reader, a dialect.Account, r *http.Request) (dialect.Reply, error) {
	if err := mayRead(a, r); err != nil {
		return dialect.Reply{}, err
	}
	all, err := numbers(ctx, src, a)
	if err != nil {
		return dialect.Reply{}, err
	}
	for i := range all {
		if r.PathValue("number") == all[i].SID+".json" {
			return dialect.Reply{Status: http.StatusOK, Body: all[i]}, nil
		}
	}
	return dialect.Reply{}, dispatch.Errorf(dispatch.NotFound, "no such number")
}
