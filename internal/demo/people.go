package demo

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/sendoff/sendoff/internal/store/account"
)

// Recipient is the number whose conversation window is open on the default
// channel, so that it can be sent a text at once.
const Recipient = "+15550000100"

const (
	listName = "demo"
	contacts = 50
)

var (
	given  = []string{"Ada", "Bo", "Chidi", "Dana", "Emre", "Freya", "Goran", "Hana", "Ines", "Jun"}
	family = []string{"Acker", "Banerjee", "Costa", "Dubois", "Eze"}
	zones  = []string{"Europe/Berlin", "Asia/Kolkata", "America/Sao_Paulo", "Europe/Paris", "Africa/Lagos"}
)

// people creates the list demo with contacts whose fields fill the demo
// templates, unless the account has one.
func people(ctx context.Context, st *account.Store, id int64) error {
	lists, err := st.Lists(ctx, id)
	if err != nil {
		return err
	}
	for _, l := range lists {
		if l.Name == listName {
			return nil
		}
	}
	list, err := st.CreateList(ctx, id, listName, "America/New_York")
	if err != nil {
		return err
	}
	for i := range contacts {
		if _, err := st.CreateContact(ctx, contact(id, list.ID, i)); err != nil {
			return err
		}
	}
	return nil
}

// contact returns the contact with a number from 0. Every recipient is delivered
// to by the emulator.
func contact(id, list int64, i int) account.Contact {
	fields := map[string]string{
		"order": fmt.Sprintf("A-%d", 1001+i), "total": fmt.Sprintf("%d.90", 9+i), "status": "on its way",
	}
	raw, _ := json.Marshal(fields) // strings can be encoded
	return account.Contact{
		Account: id, Phone: fmt.Sprintf("+1555000%04d", 1200+i), Name: given[i%len(given)] + " " + family[i/len(given)],
		TimeZone: zones[i%len(zones)], Fields: raw, Lists: []int64{list},
	}
}
