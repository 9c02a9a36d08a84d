package account

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/operate"
)

// A channel whose secrets no key opens is listed beside the others, keeps its sealed
// secrets when something else of it is changed, and works again with new ones.
func TestChannels_OneUnreadable_HindersNoOther(t *testing.T) {
	t.Parallel()
	f := open(t)
	second := f.newChannel(t, f.account)
	second.Secrets = map[string]string{"access_token": "good"}
	second, err := f.UpdateChannel(t.Context(), second)
	must(t, err)
	const spoil = `UPDATE channels SET secrets = overlay(secrets PLACING '\x00000000'::bytea FROM 2) WHERE id = $1 RETURNING secrets`
	var sealed []byte
	must(t, f.db.GetContext(t.Context(), &sealed, spoil, f.channel))

	chs, err := f.Channels(t.Context(), f.account)
	must(t, err)
	if len(chs) != 2 || !chs[0].Unreadable || len(chs[0].Secrets) != 0 || chs[1].Unreadable || chs[1].Secrets["access_token"] != "good" {
		t.Fatalf("channels %+v", chs)
	}
	names, err := operate.New(f.db).Unreadable(t.Context())
	if diff := cmp.Diff([]string{"channel 1"}, names); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	ch := chs[0]
	ch.Name = "renamed"
	ch, err = f.UpdateChannel(t.Context(), ch)
	must(t, err)
	var kept []byte
	must(t, f.db.GetContext(t.Context(), &kept, `SELECT secrets FROM channels WHERE id = $1`, f.channel))
	if ch.Name != "renamed" || !ch.Unreadable || string(kept) != string(sealed) {
		t.Errorf("after a change: %+v; sealed secrets kept: %v", ch, string(kept) == string(sealed))
	}
	ch.Secrets = map[string]string{"access_token": "new"}
	ch, err = f.UpdateChannel(t.Context(), ch)
	if err != nil || ch.Unreadable || ch.Secrets["access_token"] != "new" {
		t.Errorf("with new secrets: %+v, %v", ch, err)
	}
}

// The secrets of one channel do not open in the row of another.
func TestChannels_SecretsOfAnotherRow_AreUnreadable(t *testing.T) {
	t.Parallel()
	f := open(t)
	other := f.newChannel(t, f.account)
	_, err := f.db.ExecContext(t.Context(), `UPDATE channels SET secrets = (SELECT secrets FROM channels WHERE id = $1) WHERE id = $2`,
		f.channel, other.ID)
	must(t, err)
	var got dispatch.Channel
	if got, err = f.Channel(t.Context(), other.ID); err != nil || !got.Unreadable {
		t.Errorf("%+v, %v", got, err)
	}
}
