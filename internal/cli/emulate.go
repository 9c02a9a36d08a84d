package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/app"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
	"github.com/sendoff/sendoff/internal/emulator"
)

type emulateCmd struct {
	Listen config.HostPort `default:"127.0.0.1:8090" env:"SENDOFF_EMULATE_LISTEN" help:"Address of the emulator." placeholder:"HOST:PORT"`
	Token  config.Secret   `env:"SENDOFF_EMULATOR_TOKEN" help:"${cli_emulatecmd_token}" placeholder:"TEXT"`
}

// Run emulates until a signal arrives.
func (c *emulateCmd) Run(e *console.Env) error {
	host, _, err := net.SplitHostPort(string(c.Listen))
	if err != nil {
		return fmt.Errorf("%w: --listen: %w", console.ErrUsage, err)
	}
	if ip := net.ParseIP(host); c.Token == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%w: --token (SENDOFF_EMULATOR_TOKEN) is required when the emulator listens on %s", console.ErrUsage, c.Listen)
	}
	l, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return fmt.Errorf("listen for the emulator: %w", err)
	}
	em := emulator.New(emulator.Options{Token: string(c.Token)})
	srv := &http.Server{Handler: em, ReadHeaderTimeout: 10 * time.Second}
	go func() { <-e.Ctx.Done(); _ = srv.Close() }()
	var names []string
	for _, s := range app.Specs() {
		names = append(names, s.Name)
	}
	fmt.Fprintf(e.Stdout, "emulating %s on http://%s\nregister channels with PUT /_emulator/channels\n", strings.Join(names, ", "), l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("emulate: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return em.Close(ctx)
}
