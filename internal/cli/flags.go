package cli

import (
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/config"
)

// commonFlags are the flags of many commands that are not settings of Config.
var commonFlags = []string{"help", "config", "version", "account", "json", "url", "key-file", "postgres-url"}

// groupFlags moves the flags that many commands share below the command's own in
// every help text.
func groupFlags(k *kong.Kong) error {
	common := &kong.Group{Key: "common", Title: "Common flags:"}
	settings := configVariables()
	var visit func(n *kong.Node)
	visit = func(n *kong.Node) {
		for _, f := range n.Flags {
			if slices.Contains(commonFlags, f.Name) || (len(f.Envs) > 0 && slices.Contains(settings, f.Envs[0])) {
				f.Group = common
			}
		}
		for _, child := range n.Children {
			visit(child)
		}
	}
	visit(k.Model.Node)
	return nil
}

// configVariables returns the environment variables of config.Config.
func configVariables() (names []string) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		if name, _, _ := strings.Cut(f.Tag.Get("env"), ","); name != "" {
			names = append(names, name)
		}
	}
	return names
}
