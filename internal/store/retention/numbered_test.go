package retention

import "testing"

// Of a campaign that ended long ago, and of the import of its audience, the rows stay
// without who they are about; what runs or waits to be launched keeps all.
func TestNumbered_EndedCampaigns_LoseTheirPeople(t *testing.T) {
	t.Parallel()
	f := open(t, 0)
	f.exec(`INSERT INTO campaigns (id, account_id, name, definition, contacts, finished_at)
		SELECT id, 1, id::text, '{"audience":{"import":' || import || '}}', '[{"to":"+19998887"}]', now() - make_interval(days => days)
		FROM (VALUES (1, 1, 20), (2, 2, 20), (3, 2, NULL), (4, 3, 2), (5, 4, NULL)) AS c (id, import, days)`)
	f.exec(`INSERT INTO campaign_recipients (campaign_id, seq, status, wake_at, recipient, person, fields, detail)
		SELECT c, n, 50, now(), '+19998887', 'p' || n, '{"name":"Ada"}', 'Ada' FROM generate_series(1, 5) AS c,
			generate_series(1, CASE c WHEN 1 THEN 4100 ELSE 10 END) AS n`)
	f.exec(`INSERT INTO campaign_validations (campaign_id, result) SELECT id, '{"to":"+19998887"}' FROM campaigns`)
	f.exec(`INSERT INTO imports (id, account_id, actor, kind, status, columns, finished_at) SELECT n, 1, 'cli', 'audience', 'done',
		'[{"name":"phone","field":"phone","sample":"+19998887"}]', now() - interval '20 days' FROM generate_series(1, 5) AS n`)
	f.exec(`INSERT INTO import_rows (import_id, row, line, result, phone, name, fields)
		SELECT i, n, n, 'created', '+19998887', 'Ada', '{"name":"Ada"}'
		FROM generate_series(1, 5) AS i, generate_series(1, CASE i WHEN 1 THEN 2100 ELSE 10 END) AS n`)
	jobs, err := f.Jobs(t.Context())
	must(t, err)
	for _, c := range []struct {
		table string
		want  []int64
	}{
		{"campaign_recipients", []int64{2000, 2000, 100, 10}},
		{"import_rows", []int64{2000, 100}},
	} {
		sum := int64(0)
		for _, n := range c.want {
			sum += n
		}
		for _, j := range jobs {
			if j.Table != c.table {
				continue
			}
			if rows, bytes, err := f.Measure(t.Context(), &j); err != nil || rows != sum || bytes < sum*30 {
				t.Errorf("%s: measured %d rows, %d bytes, %v; want %d rows", c.table, rows, bytes, err, sum)
			}
			got := f.pages(&j)
			if len(got) != len(c.want) {
				t.Fatalf("%s: pages of %v rows, want %v", c.table, got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("%s: pages of %v rows, want %v", c.table, got, c.want)
				}
			}
			if again := f.pages(&j); len(again) != 0 {
				t.Errorf("%s: a repeat blanks %v rows", c.table, again)
			}
			if rows, _, err := f.Measure(t.Context(), &j); err != nil || rows != 0 {
				t.Errorf("%s: measured %d rows afterwards, %v", c.table, rows, err)
			}
		}
	}
	for query, want := range map[string]string{
		`SELECT string_agg(DISTINCT campaign_id::text, ' ') FROM campaign_recipients t
			WHERE t::text ~ 'Ada|19998887' OR person IS NOT NULL`: "3 4 5",
		`SELECT string_agg(id::text, ' ' ORDER BY id) FROM campaigns t WHERE contacts <> '[]'`:               "3 4 5",
		`SELECT string_agg(campaign_id::text, ' ' ORDER BY campaign_id) FROM campaign_validations`:           "3 4 5",
		`SELECT string_agg(DISTINCT import_id::text, ' ') FROM import_rows t WHERE t::text ~ 'Ada|19998887'`: "2 3 4 5",
		`SELECT string_agg(id::text, ' ' ORDER BY id) FROM imports t WHERE columns::text ~ '19998887'`:       "2 3 4 5",
		`SELECT count(*)::text FROM campaign_recipients`:                                                     "4140",
		`SELECT count(*)::text FROM import_rows`:                                                             "2140",
	} {
		var got string
		must(t, f.db.GetContext(t.Context(), &got, query))
		if got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
