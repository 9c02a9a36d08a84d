package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/sendoff/sendoff/internal/campaign"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/template"
	"github.com/sendoff/sendoff/internal/registry"
	"github.com/sendoff/sendoff/internal/store/account"
	store "github.com/sendoff/sendoff/internal/store/campaign"
	"github.com/sendoff/sendoff/internal/zone"
)

// Registry caches what people configure.
type Registry interface {
	Account(ctx context.Context, id int64) (account.Account, error)
	Channel(ctx context.Context, id int64) (*dispatch.Channel, error)
	FindChannel(ctx context.Context, account int64, name string, by dispatch.ChannelBy, kind string) (*dispatch.Channel, error)
	Templates(ctx context.Context, account int64) (*registry.Templates, error)
}

// Plan is a campaign with everything that it names.
type Plan struct {
	Definition *campaign.Definition
	Channel    *dispatch.Channel
	Template   *template.Template // nil: other content
	Renderer   *campaign.Renderer
	Timing     *campaign.Timing
	Marketing  bool
}

// Definition returns c's definition, with its contacts.
func Definition(c *store.Campaign) (*campaign.Definition, error) {
	d := &campaign.Definition{}
	if err := json.Unmarshal([]byte(c.Definition), d); err != nil {
		return nil, fmt.Errorf("read definition of campaign %d: %w", c.ID, err)
	}
	if c.Contacts != "" {
		if err := json.Unmarshal([]byte(c.Contacts), &d.Audience.Contacts); err != nil {
			return nil, fmt.Errorf("read contacts of campaign %d: %w", c.ID, err)
		}
	}
	return d, nil
}

// Compile finds what c names and prepares its messages and times; zone is the
// account's. The error has every fault that does not depend on a recipient.
func Compile(ctx context.Context, reg Registry, c *store.Campaign, zone string) (*Plan, error) {
	p := &Plan{}
	var err error
	if p.Definition, err = Definition(c); err != nil {
		return nil, err
	}
	if p.Timing, err = campaign.NewTiming(p.Definition, zone); err != nil {
		return nil, err
	}
	if p.Channel, err = channel(ctx, reg, c, p.Definition); err != nil {
		return nil, err
	}
	if p.Definition.Template != nil {
		ts, err := reg.Templates(ctx, c.Account)
		if err != nil {
			return nil, err
		}
		if p.Template, err = p.find(ts); err != nil {
			return nil, err
		}
	}
	if p.Renderer, err = campaign.Compile(p.Definition, p.Channel, p.Template); err != nil {
		return nil, err
	}
	p.Marketing = p.Template == nil || p.Template.Category == "marketing"
	return p, p.checkCap(ctx, reg, c.Account)
}

// find finds the template that the definition names.
func (p *Plan) find(ts *registry.Templates) (*template.Template, error) {
	use := p.Definition.Template
	return ts.Find(&dispatch.TemplateUse{
		TemplateID: use.ID, Name: use.Name, ProviderTemplateID: use.ProviderTemplateID, Language: dispatch.Language{Code: string(use.Language)},
	}, p.Channel)
}

// Plans keeps the plans of campaigns that are stepped again and again: compiling one costs as much as some hundred messages.
type Plans struct {
	mu   sync.Mutex
	kept map[int64]*keptPlan
}

// keptPlan is a plan with what it was made of. The registry returns the same channel and templates until something is
// configured.
type keptPlan struct {
	*Plan

	definition, contacts, zone string
	templates                  *registry.Templates // nil: none are used
}

// maxPlans bounds how many plans are kept.
const maxPlans = 100

// Compile is Compile for a campaign that was launched. It returns the plan that it has returned before if all that it was
// made of is the same.
func (ps *Plans) Compile(ctx context.Context, reg Registry, c *store.Campaign, zone string) (*Plan, error) {
	ps.mu.Lock()
	k := ps.kept[c.ID]
	ps.mu.Unlock()
	if k != nil && k.definition == c.Definition && k.contacts == c.Contacts && k.zone == zone && k.Channel.ID == c.Channel {
		if same, err := k.current(ctx, reg, c); err != nil || same {
			return k.Plan, err
		}
	}
	k = &keptPlan{definition: c.Definition, contacts: c.Contacts, zone: zone}
	var err error
	if k.Plan, err = Compile(ctx, reg, c, zone); err != nil {
		return nil, err
	}
	if k.Template != nil {
		if k.templates, err = reg.Templates(ctx, c.Account); err != nil {
			return nil, err
		}
		if t, err := k.find(k.templates); err != nil || t != k.Template { // configured in between
			return k.Plan, nil
		}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.kept == nil || len(ps.kept) >= maxPlans {
		ps.kept = map[int64]*keptPlan{}
	}
	ps.kept[c.ID] = k
	return k.Plan, nil
}

// current reports whether the registry has what the plan was made of.
func (k *keptPlan) current(ctx context.Context, reg Registry, c *store.Campaign) (bool, error) {
	ch, err := reg.Channel(ctx, c.Channel)
	if err != nil || ch != k.Channel {
		return false, nil // Compile tells what is wrong
	}
	if k.templates != nil {
		ts, err := reg.Templates(ctx, c.Account)
		if err != nil || ts != k.templates {
			return false, nil
		}
	}
	return true, k.checkCap(ctx, reg, c.Account)
}

// checkCap refuses a cap about more days than the account keeps numbers: who had
// how many messages would not be known.
func (p *Plan) checkCap(ctx context.Context, reg Registry, account int64) error {
	limit := p.Definition.Cap
	if limit == nil || !p.Marketing {
		return nil
	}
	a, err := reg.Account(ctx, account)
	if err == nil && a.RedactDays != nil && *a.RedactDays < limit.Days {
		return dispatch.InvalidField("/cap/days", "is more than redact_days of the account, %d: older messages of a person cannot be counted",
			*a.RedactDays)
	}
	return err
}

// FirstRun returns the plan of the next run of p's recurrence; p itself if it has
// none, or none to come. zone is the account's.
func (p *Plan) FirstRun(now time.Time, name string) (*Plan, error) {
	d := *p.Definition
	if d.Recurrence == nil || d.StartAt == nil {
		return p, nil
	}
	loc, err := zone.Load(d.TimeZone)
	if err != nil {
		return nil, err
	}
	rule, err := campaign.ParseRule(d.Recurrence.RRule, *d.StartAt, loc)
	if err != nil {
		return nil, err
	}
	runs := rule.Next(now, 1)
	if len(runs) == 0 {
		return p, nil
	}
	out := *p
	out.Definition, d.Recurrence, d.StartAt = &d, nil, &runs[0].Wall
	out.Timing, err = campaign.NewTiming(&d, name)
	return &out, err
}

// channel returns the channel of the launch or, before it, the one that is named.
func channel(ctx context.Context, reg Registry, c *store.Campaign, d *campaign.Definition) (*dispatch.Channel, error) {
	if c.Channel != 0 {
		ch, err := reg.Channel(ctx, c.Channel)
		if dispatch.CodeOf(err) == dispatch.NotFound {
			return nil, &dispatch.Error{Code: dispatch.NotFound, Msg: "the channel of the campaign was deleted"}
		}
		return ch, err
	}
	ch, err := reg.FindChannel(ctx, c.Account, string(d.Channel), dispatch.ByIDOrKey, "")
	if err == nil && !ch.Enabled {
		return nil, dispatch.InvalidField("/channel", "the channel is disabled")
	}
	return ch, err
}

// Source returns the audience of c, whose plan p is, for a launch at launch.
func (p *Plan) Source(c *store.Campaign, launch time.Time) *Source {
	return &Source{
		Account: c.Account, Campaign: c.ID, Audience: &p.Definition.Audience, Renderer: p.Renderer, Timing: p.Timing, Launch: launch,
		Marketing: p.Marketing, LateSkips: p.Definition.Late == campaign.LateSkip,
	}
}

// Price returns the price of a message of so many segments, in millionths of a
// credit.
func (p *Plan) Price(segments int) int64 {
	category := ""
	if p.Template != nil {
		category = p.Template.Category
	}
	price, ok := p.Channel.Policy.Price[category]
	if !ok {
		price = p.Channel.Policy.Price[""]
	}
	return price * int64(max(segments, 1))
}
