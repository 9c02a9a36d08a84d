package fault

// mutant takes away one safeguard.
type mutant struct {
	name string
	change

	pkg, tests string // what must fail; tests is for go test -run
	drill      string // or the scenario that must be broken
	broken     string // with these words
}

var mutants = []mutant{
	{
		name:   "no relay: what the queue loses is never offered again",
		change: change{"worker/feeder/due.go", "	for ctx.Err() == nil {\n", "	for false && ctx.Err() == nil {\n"},
		drill:  "redis-wiped", broken: "all messages final: not within",
	},
	{
		name: "202 before the commit",
		change: change{"internal/accept/commit.go", "	receipts, err := insert(ctx, page)\n", `
	receipts, err := make([]dispatch.Receipt, len(page)), error(nil)
	for i := range page {
		receipts[i] = dispatch.Receipt{ID: page[i].ID, Status: dispatch.Queued, To: page[i].To}
	}
	kept := slices.Clone(page)
	go func() {
		time.Sleep(100 * time.Millisecond) // as on a slow disk
		_, _ = insert(context.WithoutCancel(ctx), kept)
	}()
`}, drill: "serve-killed", broken: "was answered 202 and is not there",
	},
	{
		name: "no claim guard: a claimed message is claimed again",
		change: change{
			"internal/store/claim.go", "AND (d.state = {ready} OR (d.state = {claimed}\n    AND d.claim = $2::uuid))", "AND d.state <> {held}",
		},
		pkg: "./internal/store", tests: "TestClaimPage_Concurrent|TestProtocol",
	},
	{
		name:   "no fence: who has lost the claim reopens the message",
		change: change{"internal/store/complete.go", "d.message_id = x.id AND d.claim = x.claim AND", "d.message_id = x.id AND"},
		pkg:    "./internal/store", tests: "TestProtocol",
	},
	{
		name: "a lease that ran out makes the message ready",
		change: change{
			"internal/store/feeder.go", "SET state = {resolving}, unknowns = d.unknowns + 1, maybe_sent = true,\n  wake_at = now()",
			"SET state = {ready},\n  wake_at = now()",
		},
		pkg: "./internal/store", tests: "TestProtocol|TestLeases",
	},
	{
		name: "an unknown outcome is tried again at once",
		change: change{
			"worker/outcome.go", "out.Action, out.Result, out.Delay = store.Resolve, store.ResultUnknown, p.ResolveWindow[lane]",
			"out.Action, out.Result = store.Retry, store.ResultUnknown",
		},
		pkg: "./worker", tests: "TestDecide",
	},
	{
		name: "a cancelled message that may have been sent is called cancelled",
		change: change{
			"internal/store/schedule.go", "CASE WHEN x.maybe_sent OR m.maybe_sent THEN {unknown} ELSE $2 END", "$2",
		},
		pkg: "./internal/store", tests: "TestProtocol",
	},
	{
		name:   "no tombstone for the call that another one's success cut off",
		change: change{"internal/store/complete.go", "WHERE d_state = {claimed} AND d_claim <> claim\n", "WHERE false\n"},
		pkg:    "./internal/store", tests: "TestComplete_AcceptedUnderAnotherClaim|TestProtocol",
	},
	{
		name:   "Idempotency-Key goes to the provider, which Go takes as leave to repeat a POST",
		change: change{"internal/outbound/do.go", `		r.Header.Del("Idempotency-Key")` + "\n", ""},
		pkg:    "./internal/outbound", tests: "TestDo_IdempotencyKey|TestDo_ResetOnReused",
	},
	{
		name:   "pages that were handed back are archived",
		change: change{"internal/queue/queue.go", "asynq.MaxRetry(5)", "asynq.MaxRetry(0)"},
		pkg:    "./internal/queue", tests: "TestServer_HandedBack",
	},
	{
		name:   "idle time earns a burst of a second",
		change: change{"internal/limit/slots.go", "	start := max(now, s.next, s.blk)\n", "	start := max(now-1e6, s.next, s.blk)\n"},
		pkg:    "./internal/limit", tests: "TestSlots_Properties",
	},
	{
		name:   "a message is claimed after its expiry",
		change: change{"internal/store/claim.go", "AND d.due_at <= now() AND d.expires_at > now()", "AND d.due_at <= now()"},
		pkg:    "./internal/store", tests: "TestClaim|TestProtocol",
	},
	{
		name:   "a full disk is an error of ours",
		change: change{"internal/store/pg/errors.go", "		case diskFull:\n", "		case \"none\":\n"},
		drill:  "tables-full", broken: "answers with 5xx that are not a 503",
	},
	{
		name: "a leader: a worker waits for the lock of another one",
		change: change{"internal/app/work.go", "	w := worker.New(sends)\n", `
	for leads := false; !leads; time.Sleep(50 * time.Millisecond) {
		if err := p.db.GetContext(context.Background(), &leads, "SELECT pg_try_advisory_lock(15)"); err != nil {
			return nil, errors.Join(err, p.stop())
		}
	}
	w := worker.New(sends)
`}, drill: "replica-hangs", broken: "the other work does not go on",
	},
	{
		name:   "without Redis nothing is sent from Postgres",
		change: change{"worker/feeder/due.go", "		away := err != nil\n", "		if err != nil {\n			return err\n		}\n		away := false\n"},
		drill:  "redis-away", broken: "accepted messages sent while Redis was away",
	},
	{
		name: "the second run of a claim does not find its own rows",
		change: change{
			"internal/store/claim.go", "(d.state = {ready} OR (d.state = {claimed}\n    AND d.claim = $2::uuid))", "d.state = {ready}",
		},
		drill: "postgres-far", broken: "whose claim or result was lost is asked for again",
	},
	{
		name: "a lease that ran out is sent again at once",
		change: change{
			"internal/store/feeder.go",
			"SET state = {resolving}, unknowns = d.unknowns + 1, maybe_sent = true,\n  wake_at = now() + make_interval(secs =>",
			"SET state = {ready}, maybe_sent = true,\n  wake_at = now() + make_interval(secs => 0 *",
		},
		drill: "clock-steps", broken: "duplicates: this fault makes none",
	},
	{
		name: "a Postgres that is gone is an error of ours",
		change: change{
			"internal/accept/commit.go", "Code: dispatch.Overloaded, Msg: \"the service is not available at the moment; try again shortly\",",
			"Code: dispatch.Internal,",
		},
		drill: "disk-full", broken: "answers with 5xx that are not a 503",
	},
	{
		name:   "a panic in a provider's client ends the worker",
		change: change{"worker/call.go", "		if r := recover(); r != nil {\n", "		if r := any(nil); r != nil {\n"},
		pkg:    "./worker", tests: "TestSafeSend",
	},
}
