package cli

import (
	"context"
	"strings"
	"testing"

	"github.com/sendoff/sendoff/internal/cli/clitest"
	"github.com/sendoff/sendoff/internal/queue"
	"github.com/sendoff/sendoff/internal/storetest"
)

// An installation whose keys lie beside ours is named and is no fault.
func TestDoctor_NamesOtherInstallations(t *testing.T) {
	t.Parallel()
	p := clitest.New(t, Run)
	address := storetest.Redis(t)
	if _, err := p.DB().Exec(`INSERT INTO installations (home, id) VALUES (installation_home(), 'ours')`); err != nil {
		t.Fatal(err)
	}
	rc, err := queue.Open(address, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rc.Close() }()
	look := func() (detail string, ok bool) {
		t.Helper()
		for _, c := range clitest.Read[diagnosis](t, sendoff("", doctorArgs(p.URL, address)...)).Checks {
			if c.Name == "redis neighbours" {
				return c.Detail, c.OK
			}
		}
		t.Fatal("doctor does not look for other installations")
		return "", false
	}
	if detail, ok := look(); detail != "none" || !ok {
		t.Errorf("alone: %q, ok %v", detail, ok)
	}
	for _, id := range []string{"theirs", "ours"} {
		if err := queue.NewClient(rc, func(context.Context) (string, error) { return id, nil }).Register(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if detail, ok := look(); !strings.HasSuffix(detail, ": theirs") || !ok {
		t.Errorf("with another: %q, ok %v", detail, ok)
	}
}

// A physical copy has our id: its workers take our pages.
func TestDoctor_WorkersOfACopy_AreAFault(t *testing.T) {
	t.Parallel()
	d := &doctor{us: us{id: "ours", workers: 1}}
	d.neighbours(queue.Neighbours{Workers: 3}, nil)
	if f := d.findings[0]; f.OK || !strings.Contains(f.Detail, "3 workers fetch") || !strings.Contains(f.Fix, "DELETE FROM installations") {
		t.Errorf("%+v", f)
	}
}
