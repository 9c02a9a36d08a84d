//go:build fault

package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/sendoff/sendoff/internal/drill"
	"github.com/sendoff/sendoff/internal/storetest"
)

// reading is what the API shows of messages: a hash of each, and all the fields that
// were seen. A later version shows more fields.
type reading struct {
	seed      maphash.Seed
	statuses  map[string]uint64 // by id
	messages  map[string]uint64 // of the newest
	timelines map[string]uint64 // of some
	fields    map[string]bool
}

// hash returns a hash of a JSON value by its fields: of those that are known, or of all, which
// are known then.
func (r *reading) hash(v any, learn bool) uint64 {
	var lines []string
	var walk func(at, field string, v any)
	walk = func(at, field string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(at+"."+k, field+"."+k, x)
			}
		case []any:
			for i, x := range v {
				walk(at+"."+strconv.Itoa(i), field+"[]", x)
			}
		default:
			if learn {
				r.fields[field] = true
			}
			if r.fields[field] {
				lines = append(lines, fmt.Sprintf("%s=%v", at, v))
			}
		}
	}
	walk("", "", v)
	slices.Sort(lines)
	var h maphash.Hash
	h.SetSeed(r.seed)
	for _, l := range lines {
		_, _ = h.WriteString(l)
		_ = h.WriteByte('\n')
	}
	return h.Sum64()
}

// page is one of a list that the API shows.
type page struct {
	Data []any  `json:"data"`
	Next string `json:"next_cursor"`
}

// page reads one, again if the server is busy.
func (u *upgrade) page(path string) (p page) {
	u.t.Helper()
	drill.Until(u.t, time.Minute, path, func() error {
		req, err := http.NewRequestWithContext(u.t.Context(), http.MethodGet, u.fronts[1]+path, http.NoBody)
		storetest.Must(u.t, err)
		var raw json.RawMessage
		if err := u.Do(req, &raw); err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		p = page{}
		return d.Decode(&p)
	})
	return p
}

// listed is how many pages of messages are read at most: the former binary takes half a
// second for one when there are a million.
const listed = 100

// read reads the status of every message, pages of messages, and the timelines of some,
// and holds them against an earlier reading.
func (u *upgrade) read(who string, before *reading) *reading {
	u.t.Helper()
	began, c := time.Now(), comparison{u: u, reading: before, learns: before == nil}
	if c.learns {
		c.reading = &reading{maphash.MakeSeed(), map[string]uint64{}, map[string]uint64{}, map[string]uint64{}, map[string]bool{}}
		for i := range u.bulk {
			if m := &u.bulk[i]; m.becomes != isPaused {
				c.statuses[m.id] = 0
			}
			if m := &u.bulk[i]; m.becomes != isPaused && i%max(1, len(u.bulk)/1000) < 2 {
				c.timelines[m.id] = 0
			}
		}
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(c.statuses)), 1000) {
		for _, v := range u.briefs(ids) {
			c.note(c.statuses, v["message_id"], v)
		}
	}
	pages, p := 0, u.page("/v1/messages?limit=1000")
	for ; ; p = u.page("/v1/messages?limit=1000&cursor=" + url.QueryEscape(p.Next)) {
		for _, v := range p.Data {
			id, _ := v.(map[string]any)["message_id"].(string)
			if _, ours := c.statuses[id]; ours && c.learns {
				c.messages[id] = 0
			}
			c.note(c.messages, id, v)
		}
		if pages++; p.Next == "" || c.learns && pages == listed || !c.learns && c.seen == len(c.statuses)+len(c.messages) {
			break
		}
	}
	for id := range c.timelines {
		c.note(c.timelines, id, u.page("/v1/messages/"+id+"/events").Data)
	}
	if want := len(c.statuses) + len(c.messages) + len(c.timelines); c.seen != want || c.other > 0 {
		u.t.Errorf("%s: of %d statuses, messages and timelines %d are shown, %d of them in another way", who, want, c.seen, c.other)
	}
	u.say("%s: %d statuses, %d messages and %d timelines are read in %.0f s, %d in another way than at first", who,
		len(c.statuses), len(c.messages), len(c.timelines), time.Since(began).Seconds(), c.other)
	return c.reading
}

// comparison is that of what is read with an earlier reading, or the first reading.
type comparison struct {
	*reading

	u           *upgrade
	learns      bool
	seen, other int
}

// note takes what is shown of a message.
func (c *comparison) note(what map[string]uint64, id, v any) {
	c.u.t.Helper()
	key, _ := id.(string)
	known, ours := what[key]
	if !ours {
		return
	}
	h := c.hash(v, c.learns)
	c.seen++
	if c.learns {
		what[key] = h
	} else if h != known {
		if c.other++; c.other <= 5 {
			text, _ := json.Marshal(v)
			c.u.t.Errorf("%s is shown in another way: %s", key, text)
		}
	}
}

// briefs returns the statuses of up to a thousand messages.
func (u *upgrade) briefs(ids []string) (all []map[string]any) {
	u.t.Helper()
	raw, _ := json.Marshal(map[string]any{"ids": ids})
	drill.Until(u.t, time.Minute, "statuses", func() error {
		req, err := http.NewRequestWithContext(u.t.Context(), http.MethodPost, u.fronts[1]+"/v1/messages/status", bytes.NewReader(raw))
		storetest.Must(u.t, err)
		req.Header.Set("Content-Type", "application/json")
		var answer struct {
			Messages []map[string]any `json:"messages"`
		}
		err = u.Do(req, &answer)
		all = answer.Messages
		return err
	})
	return all
}

// ours returns all messages that were answered 202.
func (u *upgrade) ours() []noted {
	if u.load == nil {
		return u.bulk
	}
	return slices.Concat(u.bulk, u.load.sent)
}

// count returns how many calls the emulator had.
func (u *upgrade) count(query string) (c struct {
	Count      int `json:"count"`
	Recipients int `json:"recipients"`
	Most       int `json:"max_per_recipient"`
},
) {
	u.t.Helper()
	drill.Until(u.t, time.Minute, "count at the emulator", func() error { return u.Get(u.Dev.EmulatorURL+"/_emulator/count"+query, &c) })
	return c
}

// settle waits until the API shows every message as what it becomes.
func (u *upgrade) settle(most time.Duration) (unknown, maybe map[string]bool) {
	u.t.Helper()
	all, sends := u.ours(), 0
	for i := range all {
		if all[i].becomes == goesOut {
			sends++
		}
	}
	var told time.Time
	drill.Until(u.t, most, "all that can go out goes", func() error {
		n := u.count("").Recipients
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			u.t.Logf("%d of %d have gone out", n, sends)
		}
		var waiting int
		err := u.DB.QueryRow(`SELECT count(*) FROM (SELECT FROM dispatch WHERE channel_id <> $1 LIMIT 1) x`, waits).Scan(&waiting)
		if err != nil {
			return err
		}
		if n < sends*99/100 || waiting > 0 {
			return fmt.Errorf("%d of %d recipients, unfinished: %d", n, sends, waiting)
		}
		return nil
	})
	drill.Until(u.t, 3*time.Minute, "every message is what it becomes", func() (err error) {
		unknown, maybe, err = u.statuses(all)
		return err
	})
	return unknown, maybe
}

// statuses reads the status of each message. It returns an error for one that is not
// what it becomes; that it is there must hold at once.
func (u *upgrade) statuses(all []noted) (unknown, maybe map[string]bool, err error) {
	u.t.Helper()
	unknown, maybe = map[string]bool{}, map[string]bool{}
	other := map[string]int{}
	for some := range slices.Chunk(all, 1000) {
		ids := make([]string, len(some))
		for i, m := range some {
			ids[i] = m.id
		}
		is := map[string]string{}
		for _, b := range u.briefs(ids) {
			id, _ := b["message_id"].(string)
			is[id], _ = b["status"].(string)
			if b["maybe_sent"] == true {
				maybe[id] = true
			}
			if is[id] == "unknown" {
				unknown[id] = true
			}
		}
		for _, m := range some {
			switch status := is[m.id]; {
			case status == "":
				u.lost++
				u.t.Errorf("%s was answered 202 and is lost", m.id)
			case status != m.becomes && (status != "unknown" || m.becomes != goesOut && m.becomes != isRefused):
				other[status+" instead of "+m.becomes]++
			}
		}
		if len(other) > 0 {
			break
		}
	}
	if len(other) > 0 {
		return unknown, maybe, fmt.Errorf("%v", other)
	}
	return unknown, maybe, nil
}

// verify ends the load and holds what was accepted against what the API shows and what
// the provider has.
func (u *upgrade) verify(what string, reads bool) {
	u.t.Helper()
	u.load.stop()
	unknown, maybe := u.settle(5 * time.Minute)
	drill.Until(u.t, time.Minute, "the invariants hold", u.Invariants)
	all := u.count("")
	once, twice, some := 0, 0, slices.Clone(u.ours()[u.filled:])
	for i := range u.bulk[:u.filled] {
		switch m := &u.bulk[i]; {
		case m.becomes == goesOut && maybe[m.id]:
			some = append(some, *m)
		case m.becomes == goesOut:
			once++
		}
	}
	recipients, copies := once, once
	for _, m := range some {
		if m.becomes != goesOut {
			continue
		}
		n := u.count("?to=" + url.QueryEscape(m.to)).Count
		copies += n
		recipients += min(n, 1)
		switch {
		case n > 2:
			u.t.Errorf("%s: %d copies of %s, at most 2 are allowed", what, n, m.id)
		case n == 2 && !maybe[m.id]:
			u.t.Errorf("%s: 2 copies of %s, and it is not maybe_sent", what, m.id)
		case n == 0 && !unknown[m.id]:
			u.lost++
			u.t.Errorf("%s: %s is delivered, and the provider never had it", what, m.id)
		}
		twice += max(0, n-1)
	}
	if all.Count != copies || all.Recipients != recipients {
		u.t.Errorf("%s: the provider has %d copies for %d recipients, want %d for %d", what, all.Count, all.Recipients, copies, recipients)
	}
	u.say("%s: %d messages accepted, lost %d; %d copies for %d recipients, %d of them twice; %d maybe_sent, %d unknown", what,
		len(u.ours()), u.lost, all.Count, all.Recipients, twice, len(maybe), len(unknown))
	u.histories(what, maybe)
	if reads {
		u.read(what, u.rest)
	}
	if u.t.Failed() {
		u.t.FailNow()
	}
}

// histories holds that the newest messages have their whole history, also as the former
// binary shows it.
func (u *upgrade) histories(what string, maybe map[string]bool) {
	u.t.Helper()
	newest := u.load.sent[max(0, len(u.load.sent)-100):]
	if n := len(u.bulk); n > u.filled {
		newest = slices.Concat(newest, u.bulk[max(u.filled, n-100):])
	}
	for _, m := range newest {
		if maybe[m.id] {
			continue
		}
		is := map[any]bool{}
		for _, e := range u.page("/v1/messages/" + m.id + "/events").Data {
			is[e.(map[string]any)["type"]] = true
		}
		if !is["queued"] && !is["scheduled"] || !is["attempt"] || !is["sent"] || !is["delivered"] {
			u.t.Errorf("%s: %s is delivered, and its history has %v", what, m.id, is)
		}
	}
	u.say("%s: %d histories are whole", what, len(newest))
}
