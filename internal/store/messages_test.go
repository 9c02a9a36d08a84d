package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/people"
)

// all reads the account's list to its end and counts the requests.
func (f *fixture) all(t testing.TB, filter dispatch.Filter) (ids []dispatch.ID, requests int) {
	t.Helper()
	for {
		page, err := f.ListMessages(context.Background(), f.account, filter)
		must(t, err)
		requests++
		for _, v := range page.Views {
			ids = append(ids, v.ID)
		}
		if filter.Cursor = page.Next; page.Next == "" {
			return ids, requests
		}
	}
}

// crowd fills dispatch with messages of another account, newer than ours.
func (f *fixture) crowd(t testing.TB, n int) {
	t.Helper()
	for at := 0; at < n; at += 10_000 { // each well within the statement timeout
		f.exec(t, `INSERT INTO dispatch (message_id, account_id, channel_id, wake_at, due_at, expires_at, lane)
			SELECT (substr(replace(uuid_floor(now() + interval '1 minute' + i * interval '1 ms')::text, '-', ''), 1, 12) || '7' ||
				substr(md5(i::text), 1, 19))::uuid, $1 + 1000, $2 + 1000, now(), now(), now() + interval '1 hour', 1
			FROM generate_series($3::integer, $4::integer) AS i`, f.account, f.channel, at+1, min(at+10_000, n))
	}
	f.exec(t, `ANALYZE dispatch`)
}

// However much waits, and whose ever it is, a request looks at walkMax rows.
func TestListMessages_Unfinished_WalkIsBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.messages(t, 3)
	later := f.draft("+15550009000")
	later.SendAt = time.Now().Add(time.Hour)
	scheduled := f.accept(t, later)[0]
	f.claim(t, ids[2])
	f.crowd(t, 2*walkMax+1000)
	cases := []struct {
		filter dispatch.Filter
		want   []dispatch.ID
	}{
		{dispatch.Filter{Statuses: []dispatch.Status{dispatch.Queued}, Limit: 10}, []dispatch.ID{ids[1], ids[0]}},
		{dispatch.Filter{Statuses: []dispatch.Status{dispatch.Queued}, Limit: 1}, []dispatch.ID{ids[1], ids[0]}},
		{dispatch.Filter{Statuses: []dispatch.Status{dispatch.Queued}, Limit: 10, To: "+15550000000"}, []dispatch.ID{ids[0]}},
		{dispatch.Filter{Statuses: []dispatch.Status{dispatch.Sending}, Limit: 10, Channel: f.channel}, []dispatch.ID{ids[2]}},
		{dispatch.Filter{Statuses: []dispatch.Status{dispatch.Scheduled}, Limit: 10}, []dispatch.ID{scheduled}},
	}
	for _, c := range cases {
		got, requests := f.all(t, c.filter)
		if !slices.Equal(got, c.want) || requests < 3 || requests > 6 {
			t.Errorf("%+v: got %v in %d requests, want %v in 3 and more", c.filter, got, requests, c.want)
		}
	}
	for _, c := range cases { // apart: explain forgets what is prepared
		q, args, _, err := listQuery(f.account, c.filter, c.filter.Limit)
		must(t, err)
		f.explain(t, q, args...).walk(func(n *planNode) {
			if rows := n.Loops * (n.Rows + n.Removed); rows > walkMax+100 || (n.Relation != "" && n.Type == "Seq Scan" && rows > 100) {
				t.Errorf("%+v: %s of %s by %s reads %.0f rows", c.filter, n.Type, n.Relation, n.Index, rows)
			}
		})
	}
}

// A list by an unfinished status has the messages whose view has that status.
func TestListMessages_Unfinished_AsTheViewSays(t *testing.T) {
	t.Parallel()
	f := open(t)
	ctx := context.Background()
	in := func(d time.Duration) NewMessage {
		a := f.draft("+15550009000")
		a.SendAt, a.Reference = time.Now().Add(d), "later"
		return a
	}
	ids := f.messages(t, 6) // of which the first just waits
	f.claim(t, ids[1])
	for at, action := range map[int]Action{2: Resolve, 3: Retry, 4: Release, 5: Settle} {
		result := ResultNotSent
		if action == Resolve {
			result = ResultUnknown
		}
		f.complete(t, outcome(ids[at], f.claim(t, ids[at]), action, result))
	}
	f.exec(
		t,
		`UPDATE dispatch SET due_at = now() + interval '1 minute', wake_at = now() + interval '1 minute' WHERE message_id = $1::uuid`,
		ids[4].String(),
	)
	ids = append(ids, f.accept(t, in(time.Minute), in(time.Hour), in(time.Hour))...)
	_, err := f.Cancel(ctx, ids[8])
	must(t, err)
	held := f.messages(t, 1)
	f.exec(t, `UPDATE dispatch SET state = 3 WHERE message_id = $1::uuid`, held[0].String())
	ids = append(ids, held...)
	views, err := f.Views(ctx, ids)
	must(t, err)
	for _, status := range []dispatch.Status{dispatch.Scheduled, dispatch.Queued, dispatch.Sending} {
		for _, reference := range []string{"", "later"} {
			var want []dispatch.ID
			for _, v := range views {
				if v.Status == status && (reference == "" || v.Reference == reference) {
					want = append(want, v.ID)
				}
			}
			slices.SortFunc(want, func(a, b uuid.UUID) int { return strings.Compare(b.String(), a.String()) })
			if got, _ := f.all(t, dispatch.Filter{Statuses: []dispatch.Status{status}, Reference: reference, Limit: 2}); !slices.Equal(
				got,
				want,
			) {
				t.Errorf("%s %q: got %v, want %v", status, reference, got, want)
			}
			if reference == "" && len(want) == 0 {
				t.Errorf("none is %s", status)
			}
		}
	}
}

// A plain page, of a campaign or none, is written by a statement of its own, which must
// write what the usual one writes.
func TestInsertMessages_PlainPage_WritesTheSame(t *testing.T) {
	t.Parallel()
	for _, campaign := range []int64{0, 7} {
		t.Run(fmt.Sprint("campaign ", campaign), func(t *testing.T) {
			t.Parallel()
			writesTheSame(t, campaign)
		})
	}
}

func writesTheSame(t *testing.T, campaign int64) {
	t.Helper()
	f := open(t)
	f.exec(t, `INSERT INTO suppressions (account_id, phone, reason) VALUES ($1, '+15550000001', 'manual'), ($1, '+15550000003', 'manual')`,
		f.account)
	must(t, f.Link(t.Context(), f.account, "+15550000002", "+15550000003"))
	f.exec(t, `INSERT INTO suppressions (account_id, phone, reason, scope) VALUES ($1, '+15550000004', 'manual', 'marketing')`, f.account)
	for k := range sqlAcceptPlain {
		f.kindWritesTheSame(t, k, campaign)
	}
}

// kindWritesTheSame holds a statement for one kind of plain pages against that for all pages.
func (f *fixture) kindWritesTheSame(t *testing.T, k kindOfPage, campaign int64) {
	t.Helper()
	page := func() (page []*NewMessage) {
		for i := range 8 {
			a := f.draft(fmt.Sprintf("+1555%07d", i))
			a.Campaign = campaign
			a.Offered, a.Marketing, a.NeedsWindow = i%2 == 0, i == 4, k.window && i == 5
			a.Paged = k.pages && (i%2 == 1 || !k.rows)
			a.Reference, a.Metadata, a.Test, a.Segments, a.Price = "r", `{"a":1}`, i == 6, i, int64(i)
			if i == 7 {
				a.ExpiresAt = time.Now().Add(time.Minute).Truncate(time.Hour)
			}
			page = append(page, &a)
		}
		return page
	}
	written := func(query string, args func([]*NewMessage) []any) (rows string, refused []string) {
		page, out := page(), map[dispatch.ID]dispatch.Receipt{}
		must(t, f.acceptRows(t.Context(), f.db, query, args(page), page, out))
		for _, a := range page {
			refused = append(refused, fmt.Sprint(out[a.ID].Err))
		}
		rows = f.dump(t, "id", "message_id", "xid", "at", "created_at", "updated_at", "wake_at", "due_at", "expires_at", "page",
			"first_id", "ids", "message_ids")
		f.exec(t, `TRUNCATE messages, dispatch, events, backlog, event_pages`)
		return rows, refused
	}
	usual := page()
	if !plain(usual) {
		t.Fatal("the page goes the usual way")
	}
	for what, change := range map[string]func(a *NewMessage){
		"a key":      func(a *NewMessage) { a.IdemKey = "k" },
		"a time":     func(a *NewMessage) { a.SendAt = time.Now() },
		"a charge":   func(a *NewMessage) { a.Charge = true },
		"a trace":    func(a *NewMessage) { a.Traceparent = "00-1" },
		"a campaign": func(a *NewMessage) { a.Campaign = 8 },
	} {
		page := page()
		if change(page[3]); plain(page) {
			t.Errorf("a message with %s does not go the usual way", what)
		}
	}
	if query, _ := plainAccept(usual); query != sqlAcceptPlain[k] {
		t.Errorf("a page of %+v has another statement", k)
	}
	rows, refused := written(sqlAcceptPlain[k], func(page []*NewMessage) []any { _, args := plainAccept(page); return args })
	usualRows, usualRefused := written(sqlAccept, generalArgs)
	if rows != usualRows {
		t.Errorf("%+v: got:\n%s\nusual:\n%s", k, rows, usualRows)
	}
	if !slices.Equal(refused, usualRefused) {
		t.Errorf("refuses %q, the usual statement %q", refused, usualRefused)
	}
	want := 4
	if k.window {
		want++
	}
	if n := len(slices.DeleteFunc(refused, func(r string) bool { return r == "<nil>" })); n != want {
		t.Errorf("%d messages were refused, want %d: %q", n, want, refused)
	}
}

// A message is found by our id, in every format of it, and by the provider's; an
// account finds only its own.
func TestListMessages_Search_FindsIDs(t *testing.T) {
	t.Parallel()
	f := open(t)
	id := f.accept(t, f.draft("+15550001000"), f.draft("+15550001001"))[0]
	hex := strings.ReplaceAll(id.String(), "-", "")
	const wamid, sid, kept = "wamid.HBgLMTU1NTAwMDEwMDAVAgARGBI1", "SM0123456789abcdef0123456789abcdef", "4ee0634f-ae84-4b15-ba94-4d30de08efd9"
	for _, ref := range []string{wamid, sid} {
		f.exec(t, `INSERT INTO attempts (message_id, claim, outcome, provider_message_id) VALUES ($1, gen_random_uuid(), 1, $2)`, id.String(),
			ref)
	}
	f.exec(t, `INSERT INTO provider_refs (channel_id, ref, message_id) VALUES ($1, $2, $3)`, f.channel, kept, id.String())
	for _, search := range []string{id.String(), "wamid." + id.String(), "SM" + hex, "MM" + hex, hex, wamid, sid, kept} {
		page, err := f.ListMessages(t.Context(), f.account, dispatch.Filter{Search: search, Limit: 10})
		if err != nil || len(page.Views) != 1 || page.Views[0].ID != id || page.Next != "" {
			t.Errorf("%s: %+v, %v", search, page, err)
		}
		other, err := f.ListMessages(t.Context(), f.account+1, dispatch.Filter{Search: search, Limit: 10})
		if err != nil || len(other.Views) != 0 {
			t.Errorf("%s, another account: %+v, %v", search, other, err)
		}
		test, err := f.ListMessages(t.Context(), f.account, dispatch.Filter{Search: search, Limit: 10, Test: true})
		if err != nil || len(test.Views) != 0 {
			t.Errorf("%s, a test key: %+v, %v", search, test, err)
		}
	}
}

func TestListMessages_Code_FindsTheFailed(t *testing.T) {
	t.Parallel()
	f := open(t)
	ids := f.accept(t, f.draft("+15550001000"), f.draft("+15550001001"))
	f.exec(t, `UPDATE messages SET error_code = 'recipient' WHERE id = $1`, ids[0].String())
	if found, _ := f.all(t, dispatch.Filter{Code: "recipient", Limit: 10}); len(found) != 1 || found[0] != ids[0] {
		t.Errorf("found %v", found)
	}
}

// A page ends where its content is too much, and the next one goes on there.
func TestList_MuchContent_ShortPages(t *testing.T) {
	t.Parallel()
	f, ctx := open(t), t.Context()
	const messages, each = 5, 350 << 10 // two of them fit into a page
	for range messages {
		n := f.draft("+15550000001")
		n.Message.Raw = fmt.Sprintf(`{"type":"text","text":{"body":%q}}`, strings.Repeat("x", each))
		n.SendAt = time.Now().Add(time.Hour)
		f.accept(t, n)
		_, err := f.InsertInbound(ctx, f.channel, []dispatch.Inbound{wrote("+15550000001", "", strings.Repeat("y", each))})
		must(t, err)
	}
	for name, filter := range map[string]dispatch.Filter{
		"newest first": {Limit: 100},
		"next first":   {Limit: 100, ByDue: true, Statuses: []dispatch.Status{dispatch.Scheduled}},
	} {
		ids, requests := f.all(t, filter)
		slices.SortFunc(ids, func(a, b dispatch.ID) int { return strings.Compare(a.String(), b.String()) })
		if len(slices.Compact(ids)) != messages || requests != 3 {
			t.Errorf("%s: %d messages in %d pages", name, len(ids), requests)
		}
	}
	var sizes []int
	for in := (people.InboundFilter{Limit: 100}); ; {
		page, next, err := f.Inbounds(ctx, f.account, in)
		must(t, err)
		if sizes = append(sizes, len(page)); next == nil {
			break
		}
		in.Before = next
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("inbound: pages of %v", sizes)
	}
}

// A client's trace context is kept on every way into the table, and costs others
// nothing.
func TestInsertMessages_Traceparent(t *testing.T) {
	t.Parallel()
	f := open(t)
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, change := range map[string]func(*NewMessage){
		"alone":     func(*NewMessage) {},
		"with key":  func(a *NewMessage) { a.IdemKey, a.IdemFingerprint = "traced", "x" },
		"scheduled": func(a *NewMessage) { a.SendAt = time.Now().Add(time.Hour) },
		"contact":   func(a *NewMessage) { a.Contact = &dispatch.ContactSave{Name: "Ada"} },
	} {
		traced := f.draft("+15550009000")
		traced.Traceparent = parent
		change(&traced)
		ids := f.accept(t, traced, f.draft("+15550009001"))
		var got []string
		must(t, f.db.SelectContext(t.Context(), &got, `SELECT coalesce(traceparent, 'none') FROM messages WHERE id IN ($1, $2)
			ORDER BY recipient`, ids[0], ids[1]))
		if !slices.Equal(got, []string{parent, "none"}) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A list that is cut off at any moment, such as by the readers' statement timeout,
// returns an error.
func TestListMessages_CutOff_ReturnsTheError(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.messages(t, 20)
	cut := 0
	for most := time.Duration(0); ; most += 100 * time.Microsecond {
		ctx, cancel := context.WithTimeout(context.Background(), most)
		page, err := f.ListMessages(ctx, f.account, dispatch.Filter{Limit: 20})
		cancel()
		if err == nil {
			if len(page.Views) != 20 || cut < 5 {
				t.Errorf("%d messages of 20 after %d cuts", len(page.Views), cut)
			}
			return
		}
		cut++
	}
}

// What the contents of a page begin and end with is cut off in whole characters, and put together again by Postgres.
func TestShared_InWholeCharacters(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.SampledFrom([]rune(`a"é€è😀😁`)), 0, 4, -1)
		texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return "x" + part.Draw(t, "text") }), 1, 5).Draw(t, "texts")
		head, tail := shared(texts)
		for _, s := range texts {
			middle, ok := strings.CutPrefix(s, head)
			if ok {
				middle, ok = strings.CutSuffix(middle, tail)
			}
			if !ok || !utf8.ValidString(head) || !utf8.ValidString(tail) || !utf8.ValidString(middle) {
				t.Fatalf("%q and %q of %q", head, tail, s)
			}
		}
		if head == "" {
			t.Fatalf("nothing is shared by %q", texts)
		}
	})
}

// Of a page of messages that are alike those that are refused are left out, and the others have their own contents.
func TestInsertWithin_AlikeMessages(t *testing.T) {
	t.Parallel()
	f := open(t)
	page := make([]NewMessage, 4)
	for i := range page {
		page[i] = f.draft(fmt.Sprintf("+1555000000%d", i))
		page[i].Reference, page[i].Offered = "", false
		page[i].Raw = fmt.Sprintf(`{"type":"text","text":{"body":"%c say \"hi\""}}`, 'à'+rune(i))
	}
	check := func(refused int) {
		t.Helper()
		receipts, err := f.InsertWithin(t.Context(), page)
		must(t, err)
		for i, r := range receipts {
			var content string
			err := f.db.GetContext(t.Context(), &content, `SELECT content FROM messages WHERE id = $1`, page[i].ID.String())
			if i == refused {
				if dispatch.CodeOf(r.Err) != dispatch.Suppressed || err == nil {
					t.Errorf("message %d: %+v, %v", i, r, err)
				}
				continue
			}
			if must(t, err); r.Err != nil || r.ID != page[i].ID || r.CreatedAt.IsZero() || content != page[i].Raw {
				t.Errorf("message %d: %+v, %s", i, r, content)
			}
		}
		for i := range page {
			page[i].ID = dispatch.NewID()
		}
	}
	check(-1)
	f.exec(t, `INSERT INTO suppressions (account_id, phone, reason) VALUES ($1, $2, 'manual')`, f.account, page[2].To)
	check(2)
}
