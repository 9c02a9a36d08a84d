package cli

import (
	"maps"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/bench"
	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/remote"
	"github.com/sendoff/sendoff/internal/config"
)

// helpTexts returns the help texts that struct tags refer to as ${name}.
func helpTexts() map[string]string {
	texts := map[string]string{
		"cli_dev":              "Run everything in one process: Postgres, Redis, a demo account, the provider emulator, API and worker.",
		"cli_benchcmd_only":    "Measure only these, separated by commas: " + strings.Join(bench.Names(), ", ") + ".",
		"cli_emulatecmd_token": "Required as Bearer on every /_emulator route. Must be set unless the address is loopback.",
		"cli_workcmd_serve":    "Address of serve, for callbacks when there is no public URL.",
	}
	maps.Copy(texts, config.Help)
	maps.Copy(texts, admin.Help)
	maps.Copy(texts, remote.Help)
	return texts
}

// setHelp replaces ${name} in place of a help text by the text of that name.
// Texts as variables of kong would cost it a tenth of a second a run: it reads
// all variables again for each flag of each command.
func setHelp(k *kong.Kong) error {
	texts := helpTexts()
	text := func(help string) string {
		name, ok := strings.CutPrefix(help, "${")
		if t, found := texts[strings.TrimSuffix(name, "}")]; ok && found {
			return t
		}
		return help
	}
	return kong.Visit(k.Model, func(v kong.Visitable, next kong.Next) error {
		switch v := v.(type) {
		case *kong.Node:
			v.Help = text(v.Help)
		case *kong.Flag:
			v.Help, v.OrigHelp = text(v.Help), text(v.OrigHelp)
		case *kong.Value:
			v.Help, v.OrigHelp = text(v.Help), text(v.OrigHelp)
		}
		return next(nil)
	})
}
