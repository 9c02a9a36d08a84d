package version

import (
	"runtime/debug"
	"testing"
)

func TestOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		module   string
		settings map[string]string
		want     string
	}{
		{"v1.2.3", nil, "v1.2.3"},
		{"(devel)", nil, "dev"},
		{"(devel)", map[string]string{"vcs.revision": "0123456789abcdef"}, "0123456789ab"},
		{"", map[string]string{"vcs.revision": "0123", "vcs.modified": "true"}, "0123-dirty"},
	} {
		info := &debug.BuildInfo{Main: debug.Module{Version: c.module}}
		for k, v := range c.settings {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: k, Value: v})
		}
		if got := of(info); got != c.want {
			t.Errorf("%+v: got %q", c, got)
		}
	}
	if Version() == "" {
		t.Error("no version")
	}
}
