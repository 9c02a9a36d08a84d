package cli

import (
	"maps"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/cli/admin"
	"github.com/sendoff/sendoff/internal/cli/remote"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/version"
)

// helpVars returns the help texts that struct tags refer to by name, and the
// version.
func helpVars() kong.Vars {
	vars := kong.Vars{
		"version": version.Version(),

		"cli_dev": "Run everything in one process: Postgres, Redis, a demo account, the provider emulator, API and worker.",
		"cli_benchcmd_only": "Measure only these, separated by commas: " +
			"accept, features, batch, dispatch, latency, steady, otp, poll, callbacks, growth, memory.",
		"cli_emulatecmd_token": "Required as Bearer on every /_emulator route. Must be set unless the address is loopback.",
		"cli_workcmd_serve":    "Address of serve, for callbacks when there is no public URL.",
	}
	maps.Copy(vars, config.Help)
	maps.Copy(vars, admin.Help)
	maps.Copy(vars, remote.Help)
	return vars
}
