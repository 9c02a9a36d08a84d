// Package version holds the version of the binary.
package version

import "runtime/debug"

// version is set by the linker (-X).
var version = ""

// Version returns what the linker stamped, else the module's version or the commit
// that the Go tool noted, else "dev".
func Version() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	return of(info)
}

func of(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	if commit, dirty := Commit(info); commit != "" {
		return commit[:min(12, len(commit))] + dirty
	}
	return "dev"
}

// Commit returns the commit that the Go tool noted, or "", and "-dirty" for a
// changed tree.
func Commit(info *debug.BuildInfo) (commit, dirty string) {
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "-dirty"
		}
	}
	return commit, dirty
}
