package store

import (
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
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
		ids[i], types[i], tos[i], contents[i] = a.ID.String(), string(a.Content.Type), a.To, pg.Storable(a.Raw)
		accounts[i], channels[i], keys[i], lanes[i] = a.Account, a.Channel, a.Key, int64(a.Lane)
		refs[i], metas[i], idem[i], fps[i], extras[i] = pg.Nullable(a.Reference), pg.Nullable(a.Metadata), pg.Nullable(a.IdemKey), pg.Nullable(a.IdemFingerprint), extra(a)
		sends[i], expires[i] = pg.Micros(a.SendAt), pg.Micros(a.ExpiresAt)
		ttls[i], segs[i], prices[i], idx[i] = int64(a.TTL/time.Second), int64(a.Segments), a.Price, int64(a.IdemIndex)
		offered[i], window[i], test[i], charge[i] = a.Offered, a.NeedsWindow, a.Test, a.Charge
	}
	return []any{
		pq.Array(ids), pq.Array(accounts), pq.Array(channels), pq.Array(keys), pq.Array(lanes), pq.Array(types), pq.Array(tos), pq.Array(contents),
		pg.TextArray(refs), pg.TextArray(metas), pg.NullableArray(sends), pg.NullableArray(expires), pq.Array(ttls), pq.Array(offered), pq.Array(window), pq.Array(test),
		pq.Array(segs), pq.Array(prices), pg.TextArray(idem), pq.Array(idx), pg.TextArray(fps), pg.TextArray(extras), pq.Array(charge),
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
	return pg.Nullable(pg.JSON(m))
}
