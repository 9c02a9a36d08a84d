package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"gopkg.in/yaml.v3"
)

// useConfig makes the YAML file, if one is named, a source of the parser's flags.
// Its keys are the names of the environment variables without SENDOFF_, in lower
// case. It returns an error for an unknown key.
func useConfig(parser *kong.Kong, args []string) error {
	file := os.Getenv("SENDOFF_CONFIG")
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--config="); ok {
			file = v
		} else if a == "--config" && i+1 < len(args) {
			file = args[i+1]
		}
	}
	if file == "" {
		return nil
	}
	values, err := readConfig(file)
	if err != nil {
		return err
	}
	known := configKeys(parser.Model.Node)
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if _, ok := known[k]; !ok {
			return fmt.Errorf("%s: unknown key %q; configs/sendoff.yaml lists them all", file, k)
		}
	}
	return kong.Resolvers(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
		key, ok := configKey(f)
		v := values[key]
		if !ok || v == "" {
			return nil, nil
		}
		if _, set := os.LookupEnv(f.Envs[0]); set {
			return nil, nil // the environment outranks the file
		}
		return v, nil
	})).Apply(parser)
}

// readConfig returns the keys of the file with their values as text, as the
// environment would have them. An empty value counts as not given.
func readConfig(file string) (map[string]string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	var entries map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &entries); err != nil {
		return nil, fmt.Errorf("read configuration %s: %s", file, strings.ReplaceAll(err.Error(), "\n", " "))
	}
	values := make(map[string]string, len(entries))
	for k, v := range entries {
		if v.Kind == yaml.AliasNode {
			v = *v.Alias
		}
		if v.Kind != yaml.ScalarNode {
			return nil, fmt.Errorf("%s: key %q must have a single value", file, k)
		}
		// As it stands in the file: as a number a secret of digits would lose a
		// leading zero, or its last digits.
		if v.ShortTag() != "!!null" {
			values[k] = v.Value
		} else {
			values[k] = ""
		}
	}
	return values, nil
}

// configKey returns the key of a flag in the file, and false for flags that are
// not settings: those without an environment variable, such as --yes.
func configKey(f *kong.Flag) (string, bool) {
	if len(f.Envs) == 0 {
		return "", false
	}
	key, ok := strings.CutPrefix(f.Envs[0], "SENDOFF_")
	return strings.ToLower(key), ok && f.Name != "config"
}

// configKeys returns the settings of a command and of those below it, by key.
func configKeys(n *kong.Node) map[string]*kong.Flag {
	out := map[string]*kong.Flag{}
	for _, f := range n.Flags {
		if key, ok := configKey(f); ok {
			out[key] = f
		}
	}
	for _, child := range n.Children {
		maps.Copy(out, configKeys(child))
	}
	return out
}
