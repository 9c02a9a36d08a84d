package store

import (
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// acceptArgs lays the page out as one array for each column.
func acceptArgs(page []*Accept) []any {
	n := len(page)
	ids, types, tos, contents := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	accounts, channels, keys, lanes := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	refs, metas, idem, fps, extras := make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n), make([]*string, n)
	sends, expires := make([]*int64, n), make([]*int64, n)
	ttls, segs, prices, idx := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	offered, window, test, charge := make([]bool, n), make([]bool, n), make([]bool, n), make([]bool, n)
	for i, a := range page {
		ids[i], types[i], tos[i], contents[i] = a.ID.String(), string(a.Content.Type), a.To, storable(a.Raw)
		accounts[i], channels[i], keys[i], lanes[i] = a.Account, a.Channel, a.Key, int64(a.Lane)
		refs[i], metas[i], idem[i], fps[i], extras[i] = opt(a.Reference), opt(a.Metadata), opt(a.IdemKey), opt(a.IdemFingerprint), extra(a)
		sends[i], expires[i] = micros(a.SendAt), micros(a.ExpiresAt)
		ttls[i], segs[i], prices[i], idx[i] = int64(a.TTL/time.Second), int64(a.Segments), a.Price, int64(a.IdemIndex)
		offered[i], window[i], test[i], charge[i] = a.Offered, a.NeedsWindow, a.Test, a.Charge
	}
	return []any{
		pq.Array(ids), pq.Array(accounts), pq.Array(channels), pq.Array(keys), pq.Array(lanes), pq.Array(types), pq.Array(tos), pq.Array(contents),
		textArray(refs), textArray(metas), intArray(sends), intArray(expires), pq.Array(ttls), pq.Array(offered), pq.Array(window), pq.Array(test),
		pq.Array(segs), pq.Array(prices), textArray(idem), pq.Array(idx), textArray(fps), textArray(extras), pq.Array(charge),
	}
}

// extra packs the columns that few messages use into one JSON text.
func extra(a *Accept) *string {
	if a.User == "" && a.Parent == dispatch.NoID && a.Fallback == "" && a.Campaign == 0 && a.StatusCallback == "" {
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
	put("campaign", a.Campaign, a.Campaign != 0)
	return opt(mustJSON(m))
}

func opt(s string) *string {
	if s == "" {
		return nil
	}
	s = storable(s)
	return &s
}

// lastSecond is the end of the year 9999, far within what Postgres can hold.
const lastSecond = 253_402_300_799

func micros(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	us := min(max(t.Unix(), 0), lastSecond)*1e6 + int64(t.Nanosecond()/1000)
	return &us
}
