package store

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/storable"
	"github.com/sendoff/sendoff/internal/store/people"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// sqlAccept writes one page: checks suppression and window, takes the
// idempotency keys, inserts what is new. What comes back is the time, under no
// id, and the rows that are not as usual: scheduled, or with inserted false
// refused, there before, or without their key, which another one took; resolve
// shows which. A key is unique in its day; one of the day before counts too, and
// one of the day after: ours may have begun before midnight and waited for
// whoever wrote that (lockKeys). Safe to run twice. (IN … IS TRUE and OFFSET 0
// keep the planner from making joins of them, which it would run as nested loops
// over the page, or over two days of keys.)
var sqlAccept = sqlAcceptWrites + sqlAcceptAnswer

// sqlAcceptOnce is sqlAccept for a page that was surely not written before,
// which is nearly every page; of another one it writes nothing, and Postgres
// says so (written). Rows that may be there already cost more to insert: each is
// looked up first, and marked as uncertain in the meantime.
var sqlAcceptOnce = strings.ReplaceAll(sqlAccept, repeated, "")

const repeated = `ON CONFLICT DO NOTHING /* when written before */`

var sqlAcceptWrites = numbers.SQL(`
WITH input AS MATERIALIZED (
  SELECT *, CASE WHEN send_us IS NULL THEN NULL ELSE to_timestamp(send_us / 1e6) END AS send_at
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[],
    $11::bigint[], $12::bigint[], $13::bigint[], $14::boolean[], $15::boolean[], $16::boolean[], $17::smallint[], $18::bigint[],
    $19::text[], $20::integer[], $21::text[], $22::text[], $23::boolean[], $24::boolean[], $25::bigint[])
  AS t(id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata,
    send_us, expires_us, ttl_s, offered, needs_window, test, segments, price, idem_key, idem_idx, idem_fp, extra, charge, marketing, page)
), known AS MATERIALIZED (
  SELECT *, ` + people.LinkedTo("input.account_id", "input.recipient") + ` AS ids FROM input
), checked AS MATERIALIZED (
  SELECT i.*,
    CASE WHEN i.expires_us IS NULL THEN coalesce(i.send_at, now()) + make_interval(secs => i.ttl_s)
      ELSE to_timestamp(i.expires_us / 1e6) END AS expires_at,
    ` + people.HeldBack("i.account_id", "i.recipient", "i.ids", "i.marketing") + ` AS suppressed,
    NOT i.needs_window OR ` + people.OpenWindow("i.channel_id", "i.recipient", "i.ids") + ` AS window_open
  FROM known i
), ok AS MATERIALIZED (
  SELECT * FROM checked WHERE NOT suppressed AND window_open
), k AS (
  INSERT INTO idempotency (day, account_id, key, idx, fingerprint, message_id)
  SELECT (now() AT TIME ZONE 'utc')::date, account_id, idem_key, idem_idx, idem_fp, id FROM ok i
  WHERE idem_key IS NOT NULL AND NOT EXISTS (SELECT 1 FROM idempotency y
    WHERE y.day IN ((now() AT TIME ZONE 'utc')::date - 1, (now() AT TIME ZONE 'utc')::date + 1) AND y.account_id = i.account_id
      AND y.key = i.idem_key AND y.idx = i.idem_idx OFFSET 0)
  ON CONFLICT DO NOTHING RETURNING message_id
), m AS (
  INSERT INTO messages (id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, send_at, expires_at, test,
    segments, price,
    user_id, parent_id, fallback, status_callback, traceparent, campaign_id, charged, marketing, page)
  SELECT id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, send_at, expires_at, test, segments,
    price,
    (extra::jsonb->>'user')::uuid, (extra::jsonb->>'parent')::uuid, extra::jsonb->>'fallback', extra::jsonb->>'status_callback',
    extra::jsonb->>'traceparent', coalesce((extra::jsonb->>'campaign')::bigint, 0), charge::integer::smallint, marketing, page
  FROM ok WHERE idem_key IS NULL OR id IN (SELECT message_id FROM k)
  ` + repeated + ` RETURNING id
), done AS MATERIALIZED (
  SELECT * FROM ok WHERE (id IN (SELECT id FROM m)) IS TRUE
), d AS (
  INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
  SELECT id, account_id, channel_id, coalesce((extra::jsonb->>'campaign')::bigint, 0), lane,
    CASE WHEN offered THEN now() + interval '` + offerVisibility + `'
    ELSE coalesce(send_at, now()) END, coalesce(send_at, now()), expires_at
  FROM done WHERE page IS NULL AND (send_at IS NULL OR send_at <= now() + interval '{horizon_min} minutes')
  ` + repeated + `
)` + writePages("done c WHERE true", 26) + `, s AS (
  INSERT INTO scheduled (due_at, message_id, account_id, channel_id, campaign_id, lane, expires_at)
  SELECT send_at, id, account_id, channel_id, coalesce((extra::jsonb->>'campaign')::bigint, 0), lane, expires_at
  FROM done WHERE send_at > now() + interval '{horizon_min} minutes'
  ` + repeated + `
), fb AS (
  INSERT INTO fallbacks (message_id, wake_at, cause)
  SELECT id, coalesce(send_at, now()) + make_interval(secs => (extra::jsonb->>'fallback_after')::float8), 'undelivered'
  FROM done WHERE extra::jsonb->>'fallback_after' IS NOT NULL
  ` + repeated + `
), e AS (
  INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause)
  SELECT id, account_id, channel_id, CASE WHEN send_at > now() THEN {scheduled} ELSE {queued} END, 1, 'api' FROM done WHERE page IS NULL
)`)

const sqlAcceptAnswer = `
SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id, true AS inserted, false AS suppressed, true AS window_open, now() AS created_at,
  false AS later
UNION ALL
SELECT c.id, c.id IN (SELECT id FROM m), c.suppressed, c.window_open, now(), coalesce(c.send_at > now(), false)
FROM checked c WHERE c.id NOT IN (SELECT id FROM m) OR c.send_at > now()`

// kindOfPage is what the statement for a page of plain messages depends on: each part that a page
// does not need costs it although nothing is done.
type kindOfPage struct {
	window bool // some must be within a customer's window
	pages  bool // some wait in pages of the backlog
	rows   bool // some have rows in dispatch
}

// sqlAcceptPlain is sqlAcceptOnce for pages of plain messages: to be sent now, of one campaign
// ($19) or none, without idempotency keys, charges and the columns that few use. All that is
// not refused is inserted, so that no insert has to ask another one. $20 has the pages of the
// backlog that messages wait in, or NULL.
var sqlAcceptPlain = func() map[kindOfPage]string {
	all := map[kindOfPage]string{}
	for _, window := range []bool{false, true} {
		for _, k := range []kindOfPage{{window, false, true}, {window, true, false}, {window, true, true}} {
			all[k] = acceptPlain(k)
		}
	}
	return all
}()

// acceptPlain returns the statement for one kind of page.
func acceptPlain(k kindOfPage) string {
	open, pages, rows := `true`, ``, ``
	if k.window {
		open = `NOT i.needs_window OR ` +
			people.OpenWindow("i.channel_id", "i.recipient", people.LinkedTo("i.account_id", "i.recipient"))
	}
	if k.pages {
		pages = writePages("checked c WHERE NOT c.suppressed AND c.window_open", 21)
	}
	if k.rows {
		rows = `, d AS (
  INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
  SELECT id, account_id, channel_id, $19::bigint, lane, CASE WHEN offered THEN now() + interval '` + offerVisibility + `'
  ELSE now() END, now(), expires_at
  FROM checked WHERE NOT suppressed AND window_open AND page IS NULL
), e AS (
  INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause) SELECT id, account_id, channel_id, {queued}, 1, 'api'
  FROM checked WHERE NOT suppressed AND window_open AND page IS NULL
)`
	}
	return numbers.SQL(`
WITH checked AS MATERIALIZED (
  SELECT i.*, CASE WHEN i.expires_us IS NULL THEN now() + make_interval(secs => i.ttl_s)
  ELSE to_timestamp(i.expires_us / 1e6) END AS expires_at,
    ` + people.Held("i.account_id", "i.recipient", "i.marketing") + ` AS suppressed,
    ` + open + ` AS window_open
  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::bigint[], $12::bigint[], $13::boolean[], $14::boolean[], $15::boolean[], $16::smallint[], $17::bigint[],
      $18::boolean[], $20::bigint[])
  AS i(id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata,
    expires_us, ttl_s, offered, needs_window, test, segments, price, marketing, page)
)` + pages + `, m AS (
  INSERT INTO messages (id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, expires_at, test,
    segments, price, marketing, campaign_id, page)
  SELECT id, account_id, channel_id, key_id, lane, type, recipient, content, reference, metadata, expires_at, test, segments, price,
    marketing, $19::bigint, page
  FROM checked WHERE NOT suppressed AND window_open
)` + rows + `
SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id, true AS inserted, false AS suppressed, true AS window_open, now() AS created_at,
  false AS later
UNION ALL
SELECT id, false, suppressed, window_open, now(), false FROM checked WHERE suppressed OR NOT window_open`)
}

// plain reports whether sqlAcceptPlain can write the page.
func plain(page []*NewMessage) bool {
	return len(page) > 0 && !slices.ContainsFunc(page, func(a *NewMessage) bool {
		return a.IdemKey != "" || !a.SendAt.IsZero() || a.Charge || a.Campaign != page[0].Campaign || uncommon(a)
	})
}

// plainAccept returns the statement for a page of plain messages, and its arguments.
func plainAccept(page []*NewMessage) (query string, args []any) {
	numbers, pages := paginate(page)
	k := kindOfPage{
		window: slices.ContainsFunc(page, func(a *NewMessage) bool { return a.NeedsWindow }),
		pages:  len(pages) > 0,
		rows:   slices.Contains(numbers, nil),
	}
	args = append(plainArgs(page), pg.NullInt8Column(numbers))
	if k.pages {
		args = append(args, pageArgs(pages)...)
	}
	return sqlAcceptPlain[k], args
}

// acceptArgs lays the page out as one array for each column.
func acceptArgs(page []*NewMessage) []any {
	n := len(page)
	ids, types, tos, contents := make([]dispatch.ID, n), make([]string, n), make([]string, n), make([]string, n)
	accounts, channels, keys, lanes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	refs, metas, idem, fps, extras := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	sends, expires := make([]*int64, n), make([]*int64, n)
	ttls, segs, prices, idx := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	offered, window, test, charge, marketing := make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	for i, a := range page {
		ids[i], types[i], tos[i], contents[i] = a.ID, string(a.Content.Type), a.To, storable.Clean(a.Raw)
		accounts[i], channels[i], keys[i], lanes[i] = a.Account, a.Channel, a.Key, int64(a.Lane)
		refs[i], metas[i], idem[i], fps[i], extras[i] = pg.Nullable(a.Reference), pg.Nullable(a.Metadata), pg.Nullable(a.IdemKey),
			pg.Nullable(a.IdemFingerprint), extra(a)
		sends[i], expires[i] = pg.Micros(a.SendAt), pg.Micros(a.ExpiresAt)
		ttls[i], segs[i], prices[i], idx[i] = int64(a.TTL/time.Second), int64(a.Segments), a.Price, int64(a.IdemIndex)
		offered[i], window[i], test[i], charge[i], marketing[i] = a.Offered, a.NeedsWindow, a.Test, a.Charge, a.Marketing
	}
	return []any{
		pg.IDColumn(ids), pg.Int8Column(accounts), pg.Int8Column(channels), pg.Int8Column(keys), pg.Int2Column(lanes), pg.TextColumn(types),
		pg.TextColumn(tos), pg.TextColumn(contents), pg.NullTextColumn(refs), pg.NullTextColumn(metas), pg.NullInt8Column(sends),
		pg.NullInt8Column(expires), pg.Int8Column(ttls), pg.BoolColumn(offered), pg.BoolColumn(window), pg.BoolColumn(test),
		pg.Int2Column(segs), pg.Int8Column(prices), pg.NullTextColumn(idem), pg.Int4Column(idx), pg.NullTextColumn(fps),
		pg.NullTextColumn(extras), pg.BoolColumn(charge), pg.BoolColumn(marketing),
	}
}

// generalArgs are the arguments of the statement for all pages.
func generalArgs(page []*NewMessage) []any {
	numbers, pages := paginate(page)
	return append(append(acceptArgs(page), pg.NullInt8Column(numbers)), pageArgs(pages)...)
}

// plainArgs lays out what sqlAcceptPlain reads.
func plainArgs(page []*NewMessage) []any {
	n := len(page)
	ids, types, tos, contents := make([]dispatch.ID, n), make([]string, n), make([]string, n), make([]string, n)
	accounts, channels, keys, lanes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	refs, metas, expires := make([]*string, n), make([]*string, n), make([]*int64, n)
	ttls, segs, prices := make([]int64, n), make([]int64, n), make([]int64, n)
	offered, window, test, marketing := make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	for i, a := range page {
		ids[i], types[i], tos[i], contents[i] = a.ID, string(a.Content.Type), a.To, storable.Clean(a.Raw)
		accounts[i], channels[i], keys[i], lanes[i] = a.Account, a.Channel, a.Key, int64(a.Lane)
		refs[i], metas[i], expires[i] = pg.Nullable(a.Reference), pg.Nullable(a.Metadata), pg.Micros(a.ExpiresAt)
		ttls[i], segs[i], prices[i] = int64(a.TTL/time.Second), int64(a.Segments), a.Price
		offered[i], window[i], test[i], marketing[i] = a.Offered, a.NeedsWindow, a.Test, a.Marketing
	}
	return []any{
		pg.IDColumn(ids), pg.Int8Column(accounts), pg.Int8Column(channels), pg.Int8Column(keys), pg.Int2Column(lanes), pg.TextColumn(types),
		pg.TextColumn(tos), pg.TextColumn(contents), pg.NullTextColumn(refs), pg.NullTextColumn(metas), pg.NullInt8Column(expires),
		pg.Int8Column(ttls), pg.BoolColumn(offered), pg.BoolColumn(window), pg.BoolColumn(test), pg.Int2Column(segs),
		pg.Int8Column(prices), pg.BoolColumn(marketing), page[0].Campaign,
	}
}

// uncommon reports whether a has one of the columns that few messages use, the
// campaign aside.
func uncommon(a *NewMessage) bool {
	return a.User != "" || a.Parent != dispatch.NoID || a.Fallback != "" || a.StatusCallback != "" || a.Traceparent != ""
}

// extra packs the columns that few messages use into one JSON text.
func extra(a *NewMessage) *string {
	if a.Campaign == 0 && !uncommon(a) {
		return nil
	}
	m := map[string]any{}
	put := func(k string, v any, ok bool) {
		if ok {
			m[k] = v
		}
	}
	put("user", a.User, a.User != "")
	put("parent", a.Parent.String(), a.Parent != dispatch.NoID)
	put("fallback", a.Fallback, a.Fallback != "")
	put("fallback_after", a.FallbackAfter.Seconds(), a.FallbackAfter > 0)
	put("status_callback", a.StatusCallback, a.StatusCallback != "")
	put("traceparent", a.Traceparent, a.Traceparent != "")
	put("campaign", a.Campaign, a.Campaign != 0)
	return pg.Nullable(pg.JSON(m))
}

// sqlAcceptAlike is sqlAcceptPlain for messages that differ in little, as those of a campaign do: what they share
// is written once, which spares two thirds of the arrays.
var sqlAcceptAlike = numbers.SQL(`
WITH checked AS MATERIALIZED (
  SELECT i.*, CASE WHEN i.expires_us IS NULL THEN now() + make_interval(secs => $15::bigint)
  ELSE to_timestamp(i.expires_us / 1e6) END AS expires_at,
    ` + people.Held("$7::bigint", "i.recipient", "$13::boolean") + ` AS suppressed,
    NOT $14::boolean OR ` + people.OpenWindow("$8::bigint", "i.recipient", people.LinkedTo("$7::bigint", "i.recipient")) + ` AS window_open
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::smallint[], $6::bigint[])
  AS i(id, recipient, content, expires_us, segments, price)
), m AS (
  INSERT INTO messages (id, account_id, channel_id, key_id, lane, type, recipient, content, expires_at, test, segments, price, marketing,
    campaign_id)
  SELECT id, $7::bigint, $8::bigint, $9::bigint, $10::smallint, $11::text, recipient, $17::text || content || $18::text, expires_at,
    $12::boolean, segments, price, $13::boolean, $16::bigint
  FROM checked WHERE NOT suppressed AND window_open
), d AS (
  INSERT INTO dispatch (message_id, account_id, channel_id, campaign_id, lane, wake_at, due_at, expires_at)
  SELECT id, $7::bigint, $8::bigint, $16::bigint, $10::smallint, now(), now(), expires_at
  FROM checked WHERE NOT suppressed AND window_open
), e AS (
  INSERT INTO events (message_id, account_id, channel_id, kind, seq, cause) SELECT id, $7::bigint, $8::bigint, {queued}, 1, 'api'
  FROM checked WHERE NOT suppressed AND window_open
)
SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id, true AS inserted, false AS suppressed, true AS window_open, now() AS created_at,
  false AS later
UNION ALL
SELECT id, false, suppressed, window_open, now(), false FROM checked WHERE suppressed OR NOT window_open`)

// alike reports whether sqlAcceptAlike can write a page that is plain.
func alike(page []*NewMessage) bool {
	a := page[0]
	return !slices.ContainsFunc(page, func(b *NewMessage) bool {
		return b.Reference != "" || b.Metadata != "" || b.Offered || a.Account != b.Account || a.Channel != b.Channel || a.Key != b.Key ||
			a.Lane != b.Lane || a.Content.Type != b.Content.Type || a.Test != b.Test || a.Marketing != b.Marketing ||
			a.NeedsWindow != b.NeedsWindow || a.TTL != b.TTL
	})
}

// alikeArgs lays out what sqlAcceptAlike reads.
func alikeArgs(page []*NewMessage) []any {
	n, a := len(page), page[0]
	ids, tos, contents := make([]dispatch.ID, n), make([]string, n), make([]string, n)
	expires, segs, prices := make([]*int64, n), make([]int64, n), make([]int64, n)
	for i, m := range page {
		ids[i], tos[i], contents[i] = m.ID, m.To, storable.Clean(m.Raw)
		expires[i], segs[i], prices[i] = pg.Micros(m.ExpiresAt), int64(m.Segments), m.Price
	}
	head, tail := shared(contents)
	for i, c := range contents {
		contents[i] = c[len(head) : len(c)-len(tail)]
	}
	return []any{
		pg.UUIDArray(ids), pg.Texts(tos), pg.Texts(contents), pg.NullableArray(expires), pg.IntArray(segs), pg.IntArray(prices),
		a.Account, a.Channel, a.Key, int64(a.Lane), string(a.Content.Type), a.Test, a.Marketing, a.NeedsWindow, int64(a.TTL / time.Second),
		a.Campaign, head, tail,
	}
}

// shared returns what all of the texts begin and end with, in whole characters: most of a content is that of its
// template.
func shared(texts []string) (head, tail string) {
	head = texts[0]
	for _, s := range texts[1:] {
		n := 0
		for n < len(head) && n < len(s) && head[n] == s[n] {
			n++
		}
		head = head[:n]
	}
	for len(head) > 0 && len(head) < len(texts[0]) && !utf8.RuneStart(texts[0][len(head)]) {
		head = head[:len(head)-1]
	}
	tail = texts[0][len(head):]
	for _, s := range texts[1:] {
		s = s[len(head):]
		n := 0
		for n < len(tail) && n < len(s) && tail[len(tail)-1-n] == s[len(s)-1-n] {
			n++
		}
		tail = tail[len(tail)-n:]
	}
	for tail != "" && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	return head, tail
}
