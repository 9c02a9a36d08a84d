package fault

import "fmt"

// crash is a place at which a process of a build ends as if it were killed, when
// CRASH_AT names it.
type crash struct {
	label string
	change
}

// after has the process end behind a statement.
func after(label, file, statement string) crash {
	return crash{label, change{file, statement, statement + fmt.Sprintf("crashAt(%q)\n", label)}}
}

// before has the process end in front of a statement.
func before(label, file, statement string) crash {
	return crash{label, change{file, statement, fmt.Sprintf("crashAt(%q)\n", label) + statement}}
}

// ended has the process end behind a statement that has changed rows.
func ended(label, file, doing string) crash {
	old := fmt.Sprintf("		return 0, pg.Wrap(%q, err)\n	}\n", doing)
	return crash{label, change{file, old, old + fmt.Sprintf("if n, _ := r.RowsAffected(); n > 0 {\ncrashAt(%q)\n}\n", label)}}
}

// Where serve ends.
var serveCrashes = []crash{
	before("before_commit", "internal/accept/commit.go", "	receipts, err := insert(ctx, page)\n"),
	before("after_commit", "internal/accept/commit.go", "	if err == nil {\n		s.enqueueOffers(page, receipts)\n"),
	after("after_enqueue", "internal/accept/offer.go", "				s.offers.pausedUntil = time.Now().Add(pauseOffers)\n"+
		"				s.offers.mu.Unlock()\n			}\n"),
	before("mid_callback", "internal/store/apply.go", "		return afterApply(ctx, tx, known, rows)\n"),
}

// Where work ends: each is passed on the way of a message, and the last ones only
// when earlier ones have left something behind.
var workCrashes = []crash{
	before("after_dequeue", "worker/page.go", "	ids, err := w.passCircuit(ctx, ch, p.IDs)\n"),
	before("after_reserve", "worker/send.go", "	f := flight{route: r, claim: dispatch.NewID()"),
	before("after_claim", "worker/send.go", "	w.depart(ctx, &f, claimed)\n"),
	before("after_write", "internal/outbound/exchange.go", "	if res, ok := c.readPlain(m.req, limit); ok {\n"),
	after("after_response", "worker/call.go", "	accepted, err := w.safeSend(ctx, to, m)\n"),
	before("before_persist", "worker/results.go", "		failed, err := w.Store.Complete(ctx, outs)\n"),
	after("after_persist", "worker/results.go", "		failed, err := w.Store.Complete(ctx, outs)\n"),
	before("mid_expand", "internal/store/webhook/expand.go", "		_, err := tx.ExecContext(ctx, `UPDATE webhook_cursors SET xid"),
	before("after_pick", "worker/feeder/due.go", "		if err := f.offerDue(ctx, lane, due, blocked, away); err != nil {\n"),
	after("mid_enqueue", "worker/feeder/due.go", "				away = true\n				local = append(local, page)\n			}\n"),
	ended("after_move", "internal/store/schedule.go", "move scheduled messages"),
	ended("after_leases", "internal/store/feeder.go", "expire leases"),
	before("mid_doubts", "internal/store/feeder.go", "	_, err := s.db.ExecContext(ctx, sqlGiveUp, pg.UUIDArray(ids), pq.Array(us))\n"),
}
