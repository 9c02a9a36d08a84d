package campaigns

import (
	"context"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/contactimport"
	"github.com/sendoff/sendoff/internal/dispatch"
	store "github.com/sendoff/sendoff/internal/store/campaign"
)

// RecipientFilter selects recipients of a campaign.
type RecipientFilter struct {
	admin.Paging

	Status string `query:"status" doc:"Only recipients that stand there, by the names of counts."`
	Reason string `query:"reason" doc:"Only recipients that were skipped for this reason, by the names of skipped_by."`
	Search string `query:"search" maxLength:"64" doc:"Digits of the number."`
}

// Recipient is a row of a campaign's ledger.
type Recipient struct {
	Row           int             `json:"row" doc:"Its place in the audience, from 1."`
	To            string          `json:"to"`
	Status        string          `json:"status"`
	Reason        *string         `json:"reason" doc:"Why it was skipped."`
	Field         string          `json:"field,omitempty" doc:"The field at fault."`
	Detail        string          `json:"detail,omitempty"`
	MessageID     *string         `json:"message_id"`
	WaitsFor      *string         `json:"waits_for" doc:"worker, send_at, quiet_hours, canary, budget, rate, campaign, retry or null."`
	NextAttemptAt *time.Time      `json:"next_attempt_at"`
	Fields        campaign.Fields `json:"fields,omitempty"`
}

// Recipients lists the ledger of a campaign, in the order of the audience.
func (s *Service) Recipients(ctx context.Context, who admin.Actor, id int64, f RecipientFilter) (admin.Page[*Recipient], error) {
	none := admin.Page[*Recipient]{}
	c, err := s.Store.Campaign(ctx, who.Account, id)
	if err != nil {
		return none, err
	}
	in := store.RecipientFilter{Search: f.Search, Limit: f.Limit}
	if in.After, err = f.AfterID(); err != nil {
		return none, err
	}
	if f.Status != "" {
		status, ok := campaign.ParseStatus(f.Status)
		if !ok {
			return none, dispatch.InvalidField("/status", "is not one of the counts")
		}
		in.Status = &status
	}
	if f.Reason != "" {
		reason, ok := campaign.ParseReason(f.Reason)
		if !ok {
			return none, dispatch.InvalidField("/reason", "is not a reason for which recipients are skipped")
		}
		in.Reason = &reason
	}
	rows, next, err := s.Store.Recipients(ctx, id, in)
	if err != nil {
		return none, err
	}
	now := time.Now()
	return admin.PageUpTo(rows, next, func(r *store.Standing) *Recipient { return viewRecipient(&c, r, now) }), nil
}

func viewRecipient(c *store.Campaign, r *store.Standing, now time.Time) *Recipient {
	v := &Recipient{Row: r.Seq, To: r.To, Status: statusOf(r), MessageID: r.Message, Field: r.Field, Detail: r.Detail}
	if r.Reason != 0 {
		v.Reason = new(r.Reason.String())
	}
	if json.Unmarshal([]byte(r.Fields), &v.Fields) != nil {
		v.Fields = nil
	}
	what, until := waits(c, r, now)
	if v.NextAttemptAt = until; what != "" {
		v.WaitsFor = &what
	}
	return v
}

func statusOf(r *store.Standing) string {
	if r.Sending && r.Status == campaign.Queued {
		return campaign.Sending.String()
	}
	return r.Status.String()
}

// waits returns what an unfinished row waits for, and until when.
func waits(c *store.Campaign, r *store.Standing, now time.Time) (what string, until *time.Time) {
	if r.Status.Finished() || r.Sending {
		return "", nil
	}
	next := r.WakeAt
	if r.DueAt != nil {
		next = *r.DueAt
	}
	if next.After(now) {
		until = new(next.UTC())
	}
	switch {
	case c.State == campaign.Paused || c.State == campaign.Cancelled:
		return "campaign", nil
	case r.Status == campaign.Held:
		return "quiet_hours", until
	case r.Status == campaign.Queued && until != nil:
		return "retry", until
	case r.Status == campaign.Queued:
		return "worker", nil
	case until != nil || c.State == campaign.Scheduled:
		return "send_at", until
	case c.LimitedBy == "canary" || c.LimitedBy == "budget":
		return c.LimitedBy, nil
	}
	return "rate", nil
}

// reportPage is how many rows of a report are read at once.
const reportPage = 1000

// Report writes the ledger of a campaign as CSV: a header and a record for each
// row. It writes nothing if the campaign does not exist.
func (s *Service) Report(ctx context.Context, who admin.Actor, id int64) (func(context.Context, io.Writer) error, error) {
	if _, err := s.Store.Campaign(ctx, who.Account, id); err != nil {
		return nil, err
	}
	return func(ctx context.Context, w io.Writer) error { return s.report(ctx, id, w) }, nil
}

func (s *Service) report(ctx context.Context, id int64, w io.Writer) error {
	out := contactimport.NewWriter(w)
	err := out.Write("row", "to", "status", "reason", "field", "detail", "message_id", "maybe_sent", "sent_at", "delivered_at",
		"read_at", "failed_at",
		"error_code", "error_message")
	for after := int64(0); err == nil; {
		rows, readErr := s.Store.Report(ctx, id, after, reportPage)
		if readErr != nil {
			return readErr
		}
		for i := range rows {
			if err = writeReported(out, &rows[i]); err != nil {
				return err
			}
			after = int64(rows[i].Seq)
		}
		if err = out.Flush(); len(rows) < reportPage {
			break
		}
	}
	return err
}

func writeReported(out *contactimport.Writer, r *store.Reported) error {
	reason, message, maybe := "", "", ""
	if r.Reason != 0 {
		reason = r.Reason.String()
	}
	if r.Message != nil {
		message = *r.Message
	}
	if r.MaybeSent {
		maybe = "true"
	}
	return out.Write(strconv.Itoa(r.Seq), r.To, statusOf(&r.Standing), reason, r.Field, r.Detail, message, maybe, stamp(r.SentAt),
		stamp(r.DeliveredAt), stamp(r.ReadAt), stamp(r.FailedAt), r.Code, r.Error)
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
