package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/pruner"
	"github.com/sendoff/sendoff/internal/store/retention"
)

// Retention is the command that removes old records.
type Retention struct {
	flags
	DryRun bool `help:"List what would be removed, and how large it is, and remove nothing."`
}

// Help describes retention.
func (*Retention) Help() string {
	return `Workers do this by themselves once an hour; sendoff account update --keep sets how long. Partitions that are too old for every
account are dropped; the rows of accounts that keep less are deleted page by page. What is unfinished is kept, and named.`
}

// Run removes what is too old, or lists it. What was done before an error, or before it
// was interrupted, is listed too.
func (c *Retention) Run(e *console.Env) error {
	return c.open(e, func(s *session) error {
		do := pruner.Prune
		if c.DryRun {
			do = pruner.Plan
		}
		steps, err := do(e.Ctx, retention.New(s.db))
		if err != nil && len(steps) == 0 {
			return err
		}
		return errors.Join(err, c.list(s, steps))
	})
}

// list prints the steps that were done, or would be.
func (c *Retention) list(s *session, steps []pruner.Step) error {
	rows, bytes := [][]string{}, int64(0)
	for i := range steps {
		st := &steps[i]
		if st.Action != pruner.Keep {
			bytes += st.Bytes
		}
		what := st.Partition
		if st.Account != 0 {
			what = "account " + id(st.Account)
		}
		rows = append(rows, []string{
			st.Action, st.Table, what, st.Before.UTC().Format("2006-01-02"), fmt.Sprint(st.Rows), fmt.Sprint(st.Bytes), st.Reason,
		})
	}
	if len(rows) == 0 && !s.json {
		return s.print(nil, "nothing is too old")
	}
	out := map[string]any{"dry_run": c.DryRun, "bytes": bytes, "data": append([]pruner.Step{}, steps...)}
	return s.table(out, "ACTION\tTABLE\tOF\tBEFORE\tROWS\tBYTES\tREASON", rows)
}

// keep adds the days of records to an update of an account.
func keep(days map[string]int, in *admin.AccountUpdate) error {
	if len(days) == 0 {
		return nil
	}
	text, err := json.Marshal(days)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in.Retention); err != nil {
		return fmt.Errorf("%w: --keep: %w; the records are messages, events, attempts, webhook_deliveries, audit_log and inbound",
			console.ErrUsage, err)
	}
	return nil
}

// kept describes how long the records of an account are kept.
func kept(a *admin.Account) string {
	r := a.Retention
	out := fmt.Sprintf("messages %d days, events %d, attempts %d, webhook deliveries %d, audit log %d, inbound %d; content ",
		r.Messages, r.Events, r.Attempts, r.Deliveries, r.Audit, r.Inbound)
	if a.RedactDays > 0 {
		return out + fmt.Sprintf("%d days", min(a.RedactDays, r.Messages))
	}
	return out + "as long as the message"
}
