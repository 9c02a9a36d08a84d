package cli

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/store/operate"
	"github.com/sendoff/sendoff/internal/store/pg"
)

const (
	// longWaiting is the age of a due message from which something is wrong.
	longWaiting = time.Minute
)

// state checks what the installation does: whether workers live, channels send,
// callbacks arrive, and the disk takes more.
func (d *doctor) state(ctx context.Context, db *pg.DB) {
	ctx, cancel := context.WithTimeout(ctx, 3*serverTime)
	defer cancel()
	st := operate.New(db)
	d.workers(ctx, st)
	d.writable(ctx, st)
	d.held(ctx, st)
	d.reported(ctx, st)
	d.oldest(ctx, store.New(db))
	d.callbacks(ctx, db)
	d.counts(ctx, campaign.New(db))
	if db.Box() != nil {
		d.sealed(ctx, st)
	}
}

// failedCheck notes a check that could not be made.
func (d *doctor) failedCheck(name string, err error) bool {
	if err != nil {
		d.note(name, false, err.Error(), "check Postgres' log, and run: sendoff migrate up")
	}
	return err != nil
}

func (d *doctor) workers(ctx context.Context, st *operate.Store) {
	work, err := st.Processes(ctx, "work")
	if d.failedCheck("workers", err) {
		return
	}
	d.note("workers", work > 0, fmt.Sprintf("%d alive", work), "start sendoff work: without one nothing is sent")
}

func (d *doctor) writable(ctx context.Context, st *operate.Store) {
	missing, err := st.MissingRights(ctx)
	if d.failedCheck("rights", err) {
		return
	}
	d.note("rights", len(missing) == 0, detailOf(missing, "the role may read and write every table", "may not read and write"),
		"run as the owner of the tables: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO the role of SENDOFF_POSTGRES_URL")
	if err := st.TryWrite(ctx); err != nil {
		d.note("disk", false, err.Error(), "free or add disk space for Postgres; its log says more")
		return
	}
	d.note("disk", true, "takes a write (rolled back)", "")
}

// detailOf returns fine without names, else bad and the names.
func detailOf(names []string, fine, bad string) string {
	if len(names) == 0 {
		return fine
	}
	return bad + " " + strings.Join(names, ", ")
}

func (d *doctor) held(ctx context.Context, st *operate.Store) {
	held, err := st.Held(ctx)
	if d.failedCheck("channel states", err) {
		return
	}
	if len(held) == 0 {
		d.note("channel states", true, "no channel is paused, no circuit open", "")
	}
	for _, h := range held {
		name, fix := fmt.Sprintf("channel %d", h.ID), fmt.Sprintf("if the reason is gone, run: sendoff channel resume %d", h.ID)
		what := "is paused"
		if h.State == "open" {
			what = "has an open circuit"
			fix = fmt.Sprintf("the provider refuses or does not answer; it is probed until it does: sendoff channel check %d", h.ID)
		}
		since := h.Since.Local().Format(time.DateTime)
		d.note(name, false, fmt.Sprintf("%s %s since %s: %s", h.Name, what, since, h.Reason), fix)
	}
}

// reported lists what providers report of accounts and numbers.
func (d *doctor) reported(ctx context.Context, st *operate.Store) {
	reports, err := st.Reported(ctx)
	if d.failedCheck("provider reports", err) {
		return
	}
	if len(reports) == 0 {
		d.note("provider reports", true, "no provider reports trouble with an account or a number", "")
	}
	for _, r := range reports {
		d.note(fmt.Sprintf("channel %d", r.ID), false, strings.TrimSpace(fmt.Sprintf("%s: the provider reported %s %s on %s %s",
			r.Name, r.Subject, r.Value, r.At.Local().Format(time.DateTime), r.Detail)), "look at the account in the provider's console")
	}
}

func (d *doctor) oldest(ctx context.Context, st *store.Store) {
	lanes, err := st.Depths(ctx)
	if d.failedCheck("oldest message", err) {
		return
	}
	var waiting int64
	oldest := time.Duration(0)
	for _, l := range lanes {
		waiting += l.Count
		oldest = max(oldest, time.Duration(l.OldestSeconds*float64(time.Second)))
	}
	detail := "none waits"
	if waiting > 0 {
		detail = fmt.Sprintf("%d wait, the oldest is due since %s", waiting, oldest.Round(time.Second))
	}
	d.note("oldest message", oldest < longWaiting, detail,
		"see what it waits for with sendoff status ID: a paused channel, its rate, or too few workers")
}

// sealed names the secrets that an old key still opens.
func (d *doctor) sealed(ctx context.Context, st *operate.Store) {
	old, unreadable, err := st.OldSecrets(ctx)
	if d.failedCheck("secrets", err) {
		return
	}
	if len(unreadable) > 0 {
		d.note("secrets", false, "no key of SENDOFF_SECRET_KEY opens "+strings.Join(split(unreadable), ", "),
			"add the key that they were encrypted with, after a comma")
		if len(old) == 0 {
			return
		}
	}
	d.note("secrets", len(old) == 0, detailOf(split(old), "encrypted with the newest key", "an old key still encrypts"),
		"run: sendoff secrets rotate")
}

// checkedCampaigns is how many campaigns have their ledger read, the latest first.
const checkedCampaigns = 20

// counts compares the counts of campaigns with their ledgers.
func (d *doctor) counts(ctx context.Context, st *campaign.Store) {
	ids, err := st.Launched(ctx, checkedCampaigns)
	if d.failedCheck("campaign counts", err) {
		return
	}
	var wrong []string
	for _, id := range ids {
		n, err := st.CheckCounts(ctx, id)
		if d.failedCheck("campaign counts", err) {
			return
		}
		if n > 0 {
			wrong = append(wrong, fmt.Sprint("campaign ", id))
		}
	}
	fine := fmt.Sprintf("equal the ledgers of the newest campaigns (%d)", len(ids))
	if len(ids) == 0 {
		fine = "no campaign was launched yet"
	}
	d.note("campaign counts", len(wrong) == 0, detailOf(wrong, fine, "differ from the ledger:"),
		"what was sent is right, the numbers shown are not: report it with the output of sendoff campaign report")
}

// split returns a text for each kind, as "channels 1 2".
func split(ids map[string][]int64) (out []string) {
	for _, kind := range slices.Sorted(maps.Keys(ids)) {
		out = append(out, kind+" "+strings.Trim(fmt.Sprint(ids[kind]), "[]"))
	}
	return out
}

// public checks the address that providers and customers use.
func (d *doctor) public() {
	u, err := url.Parse(d.cfg.PublicURL)
	if d.cfg.PublicURL == "" || err != nil {
		return
	}
	local := u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1"
	detail := d.cfg.PublicURL
	if local {
		detail += " (this machine only)"
	}
	d.note("public address", u.Scheme == "https" || local, detail,
		"serve it with https, by a reverse proxy or a load balancer: keys and callbacks would be readable on the way")
}
