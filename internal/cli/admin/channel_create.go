package admin

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/provider"
)

// channelCreate has a command for each vendor.
type channelCreate struct{ kong.Plugins }

// NewChannel returns the commands for channels of the vendors.
func NewChannel(specs []*provider.Spec) Channel {
	var c Channel
	for _, spec := range specs {
		c.Create.Plugins = append(c.Create.Plugins, vendorCommand(spec))
	}
	return c
}

// vendorCommand returns a struct whose only field is the command that creates a
// channel of the vendor.
func vendorCommand(spec *provider.Spec) any {
	cmd := createChannel{spec: spec, values: flagValues(spec)}
	cmd.Plugins = kong.Plugins{cmd.values}
	var secrets []string
	for _, f := range spec.Secrets {
		if f.Help != "" {
			secrets = append(secrets, f.Name)
		}
	}
	help := spec.About + " Secrets: " + strings.Join(secrets, ", ") + "."
	field := reflect.StructField{Name: "Vendor", Type: reflect.TypeFor[createChannel](), Tag: tag("cmd", "", "name", spec.Name, "help", help)}
	v := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	v.Elem().Field(0).Set(reflect.ValueOf(cmd))
	return v.Interface()
}

// tag returns a struct tag of pairs.
func tag(pairs ...string) reflect.StructTag {
	var b strings.Builder
	for pair := range slices.Chunk(pairs, 2) {
		fmt.Fprintf(&b, "%s:%q ", pair[0], pair[1])
	}
	return reflect.StructTag(strings.TrimSpace(b.String()))
}

// kindFlag names the kind of a channel, where a vendor has several.
const kindFlag = "kind"

// flagValues returns a pointer to a struct with a flag for each setting of the
// vendor, and one for the file of each secret.
func flagValues(spec *provider.Spec) any {
	var fields []reflect.StructField
	add := func(pairs ...string) {
		fields = append(fields, reflect.StructField{Name: fmt.Sprintf("F%d", len(fields)), Type: reflect.TypeFor[string](), Tag: tag(pairs...)})
	}
	if len(spec.Kinds) > 1 {
		var kinds []string
		for _, k := range spec.Kinds {
			kinds = append(kinds, k.Kind)
		}
		add("name", kindFlag, "default", kinds[0], "help", strings.Join(kinds, " or ")+".")
	}
	for _, f := range slices.Concat(spec.Settings, provider.CommonSettings) {
		if f.Help == "" {
			continue
		}
		help := f.Help
		if f.Required {
			help += " Required."
		}
		add("name", settingFlag(&f), "help", help, "placeholder", placeholder(&f))
	}
	for _, f := range spec.Secrets {
		if f.Help != "" {
			add("name", secretFlag(&f), "type", "existingfile", "help", secretHelp(spec, &f), "placeholder", "FILE")
		}
	}
	return reflect.New(reflect.StructOf(fields)).Interface()
}

func settingFlag(f *provider.Field) string {
	if f.Flag != "" {
		return f.Flag
	}
	return strings.ReplaceAll(f.Name, "_", "-")
}

func placeholder(f *provider.Field) string {
	if f.Placeholder != "" {
		return f.Placeholder
	}
	return "TEXT"
}

func secretFlag(f *provider.Field) string { return strings.ReplaceAll(f.Name, "_", "-") + "-file" }

func secretHelp(spec *provider.Spec, f *provider.Field) string {
	where := "File with " + f.Help + " (or " + variable(spec.Name, f.Name)
	if f.Generate {
		return where + "). Default: a new one."
	}
	return where + ", or a prompt)."
}

// variable returns the environment variable for a secret of a vendor.
func variable(vendor, name string) string { return "SENDOFF_" + strings.ToUpper(vendor+"_"+name) }

// createChannel creates a channel of a vendor.
type createChannel struct {
	channelFlags
	Name         string  `help:"Display name. Default: kind and provider." placeholder:"TEXT"`
	Key          string  `help:"A name for clients that name channels by key. Default: a new one." placeholder:"TEXT"`
	Sender       string  `help:"${admin_createchannel_sender}" placeholder:"NUMBER"`
	Default      bool    `help:"Use it for messages that name no channel. The first channel is the default anyway."`
	Rate         float64 `help:"Messages per second over all workers. Default: what the provider documents." placeholder:"N"`
	Concurrency  int     `help:"Concurrent calls of one worker." placeholder:"N"`
	Window       string  `help:"${admin_createchannel_window}" placeholder:"RULE"`
	kong.Plugins         // values

	spec   *provider.Spec
	values any // flagValues
}

// flag returns the value of a flag in values, "" if there is no such flag.
func (c *createChannel) flag(name string) string {
	v := reflect.ValueOf(c.values).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("name") == name {
			return v.Field(i).String()
		}
	}
	return ""
}

// input returns the new channel without its secrets.
func (c *createChannel) input() admin.ChannelCreate {
	kind := c.flag(kindFlag)
	if kind == "" {
		kind = c.spec.Kinds[0].Kind
	}
	name := c.Name
	if name == "" {
		name = map[string]string{"whatsapp": "WhatsApp", "sms": "SMS"}[kind] + " (" + c.spec.Title + ")"
	}
	in := admin.ChannelCreate{Provider: c.spec.Name, Kind: kind, Key: c.Key}
	in.Name, in.Sender, in.Window = &name, optional(c.Sender), optional(c.Window)
	if c.Default {
		in.Default = &c.Default
	}
	if c.Rate != 0 || c.Concurrency != 0 {
		in.Policy = &admin.PolicyUpdate{Rate: given(c.Rate), Concurrency: given(c.Concurrency)}
	}
	in.Settings = map[string]*string{}
	for _, f := range slices.Concat(c.spec.Settings, provider.CommonSettings) {
		if v := c.flag(settingFlag(&f)); v != "" {
			in.Settings[f.Name] = &v
		}
	}
	return in
}

// given returns nil for zero.
func given[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// secrets reads the secrets and returns, for people, how to give those that are
// missing.
func (c *createChannel) secrets(e *console.Env, settings map[string]*string) (secrets map[string]*string, missing []string, err error) {
	ask := console.NewAsker(e)
	secrets = map[string]*string{}
	for _, f := range c.spec.Secrets {
		read := ask.Secret
		if f.Generate || (f.With != "" && settings[f.With] == nil) {
			read = console.GivenSecret
		}
		v, err := read(f.Name, c.flag(secretFlag(&f)), variable(c.spec.Name, f.Name))
		switch {
		case err == nil:
			secrets[f.Name] = &v
		case !errors.Is(err, console.ErrNoSecret):
			return nil, nil, err
		case f.Required && !f.Generate:
			missing = append(missing, fmt.Sprintf("%s: set %s, name a file with --%s, or type it when asked",
				f.Name, variable(c.spec.Name, f.Name), secretFlag(&f)))
		}
	}
	return secrets, missing, nil
}

// Run creates a channel.
func (c *createChannel) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		in := c.input()
		var missing []string
		var err error
		if in.Secrets, missing, err = c.secrets(e, in.Settings); err != nil {
			return err
		}
		ch, err := s.CreateChannel(e.Ctx, s.who, in)
		if err != nil {
			return console.Advise(err, missing...)
		}
		return s.print(ch, "%s", c.next(ch, in.Secrets["verify_token"]))
	})
}

// next describes what to do with a new channel; token is the verify token that
// was given.
func (c *createChannel) next(v *admin.Channel, token *string) string {
	var b strings.Builder
	verify := v.VerifyToken
	if token != nil {
		verify = *token
	}
	fmt.Fprintf(&b, "channel %d created: %s, key %s\n\n%s\n", v.ID, v.Name, v.Key, c.spec.Steps(v.CallbackURL, verify))
	if !strings.HasPrefix(v.CallbackURL, "https://") {
		b.WriteString("Providers must reach this address from outside: set SENDOFF_PUBLIC_URL (for serve and work, too) to https://...\n\n")
	}
	fmt.Fprintf(&b, "Then:\n\n  sendoff channel check %d\n", v.ID)
	if c.spec.ListsTemplates {
		fmt.Fprintf(&b, "  sendoff template sync --channel %d\n", v.ID)
	}
	b.WriteString("  sendoff send --help")
	return b.String()
}

// ExampleOf returns a command line that creates a channel of the vendor.
func ExampleOf(spec *provider.Spec) string {
	var line strings.Builder
	line.WriteString("sendoff channel create " + spec.Name + " --sender +15551234567")
	for _, f := range spec.Settings {
		if f.Required {
			line.WriteString(" --" + settingFlag(&f) + " " + placeholder(&f))
		}
	}
	return line.String()
}
