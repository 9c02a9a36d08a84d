package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	usecase "github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/store"
	"github.com/sendoff/sendoff/internal/store/account"
	"github.com/sendoff/sendoff/internal/store/pg"
)

type doctorCmd struct {
	config.Config
	JSON bool `name:"json" help:"Print JSON."`
}

// Help describes the checks.
func (*doctorCmd) Help() string {
	return `Checks the configuration, Postgres (connection, version, encoding, isolation, pooler, durability, clock, migrations, partitions),
Redis (scripts, version, eviction, memory, other installations), workers, paused channels, the oldest message, rights and disk (by a
write that is rolled back), callbacks that do not arrive or are rejected, counts of campaigns, the collector of traces, the key of
secrets, and the credentials of every enabled channel, and prints what to do about each fault. The exit code is 1 if there is one.
Nothing is changed or sent.`
}

// doctor collects the findings of checks.
type doctor struct {
	cfg      *config.Config
	us       us
	findings []console.Finding
}

func (d *doctor) add(f ...console.Finding) { d.findings = append(d.findings, f...) }

// note adds the finding of a check.
func (d *doctor) note(name string, ok bool, detail, fix string) {
	f := console.Finding{Name: name}
	if ok {
		d.add(f.Passed(detail))
		return
	}
	d.add(f.Failed(detail, fix))
}

// Run runs all checks.
func (c *doctorCmd) Run(e *console.Env) error {
	d := &doctor{cfg: &c.Config}
	d.configuration()
	d.public()
	d.traces(e.Ctx)
	if c.PostgresURL != "" {
		d.database(e.Ctx)
	}
	if c.RedisURL != "" {
		d.redis(e.Ctx)
	}
	return d.print(e, c.JSON)
}

func (d *doctor) configuration() {
	err := d.cfg.Validate(true)
	if err == nil {
		d.note("configuration", true, "complete", "")
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		d.note("configuration", false, line, "set it in the environment, as a flag, or in the YAML file of SENDOFF_CONFIG; "+admin.DevHint)
	}
}

// database checks Postgres and, if it answers, its contents.
func (d *doctor) database(ctx context.Context) {
	o := pg.Options{URL: string(d.cfg.PostgresURL), MaxConns: 2, Application: "sendoff-doctor"}
	box, err := pg.NewBox(d.cfg.SecretKeys()...)
	if err == nil {
		o.Box = box
	}
	db, err := pg.Open(o)
	if err != nil {
		d.note("postgres", false, err.Error(), "correct SENDOFF_POSTGRES_URL")
		return
	}
	defer db.Close()
	if !d.server(ctx, db) || !d.schema(ctx, store.New(db)) {
		return
	}
	d.contract(ctx, account.New(db))
	d.identify(ctx, db)
	d.state(ctx, db)
	if o.Box != nil {
		d.channels(ctx, account.New(db))
	}
}

// print prints the findings.
func (d *doctor) print(e *console.Env, asJSON bool) error {
	bad := 0
	for _, f := range d.findings {
		if !f.OK {
			bad++
		}
	}
	if asJSON {
		if err := console.PrintJSON(e.Stdout, map[string]any{"ok": bad == 0, "checks": d.findings}); err != nil {
			return err
		}
	} else {
		for _, f := range d.findings {
			mark := "ok  "
			if !f.OK {
				mark = "FAIL"
			}
			fmt.Fprintf(e.Stdout, "%s  %-24s  %s\n", mark, f.Name, f.Detail)
			if f.Fix != "" {
				fmt.Fprintf(e.Stdout, "      %-24s  -> %s\n", "", f.Fix)
			}
		}
	}
	if bad > 0 {
		if !asJSON {
			fmt.Fprintf(e.Stdout, "\n%d of %d checks failed\n", bad, len(d.findings))
		}
		return console.ErrReported
	}
	if !asJSON {
		fmt.Fprintf(e.Stdout, "\nall %d checks passed\n", len(d.findings))
	}
	return nil
}

const channelCheckTime = 5 * time.Second

// channels checks the credentials of all enabled channels, at most eight at a time.
func (d *doctor) channels(ctx context.Context, st *account.Store) {
	chs, err := st.Channels(ctx, 0)
	if err != nil {
		d.note("channels", false, err.Error(),
			"SENDOFF_SECRET_KEY must be the key with which the credentials were encrypted (after a rotation: new,old)")
		return
	}
	providers := app.Providers(d.cfg.ProviderAllow)
	found := make([]console.Finding, len(chs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i := range chs {
		if !chs[i].Enabled {
			found[i] = console.Finding{Name: fmt.Sprintf("channel %d", chs[i].ID)}.Passed("disabled, not checked")
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = admin.Found(usecase.Check(ctx, providers, &chs[i], channelCheckTime))
		})
	}
	wg.Wait()
	d.add(found...)
	if len(chs) == 0 {
		d.note("channels", true, "there are none yet; create one with: sendoff channel create --help", "")
	}
}
