package admin

import (
	"fmt"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/store/operate"
)

// Secrets are the commands for stored credentials.
type Secrets struct {
	Rotate secretsRotate `cmd:"" help:"Encrypt stored credentials again with the newest key."`
}

type secretsRotate struct{ flags }

// Help describes a rotation.
func (*secretsRotate) Help() string {
	return `SENDOFF_SECRET_KEY must hold the new key first and the old ones after commas, here and for serve and work. When the command has
encrypted everything with the new key, remove the old ones. It may run while the service works, and again.`
}

// Run encrypts every stored secret with the newest key.
func (c *secretsRotate) Run(e *console.Env) error {
	if err := c.sealed(); err != nil {
		return err
	}
	return c.open(e, func(s *session) error {
		done, err := operate.New(s.db).Rotate(e.Ctx, s.who.Name)
		if err != nil {
			return err
		}
		rows, unreadable := [][]string{}, 0
		for _, r := range done {
			rows = append(rows, []string{r.Kind, fmt.Sprint(r.Rotated), fmt.Sprint(r.Current), fmt.Sprint(len(r.Unreadable))})
			unreadable += len(r.Unreadable)
		}
		if err := s.table(map[string]any{"data": done}, "KIND\tROTATED\tCURRENT\tUNREADABLE", rows); err != nil {
			return err
		}
		if unreadable > 0 {
			return fmt.Errorf("%d secrets can't be read: put the key that encrypted them into SENDOFF_SECRET_KEY, after the new one", unreadable)
		}
		return nil
	})
}
