package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// unsetEmpty removes Sendoff's variables that are empty from the environment:
// what ${NAME:-} leaves in a compose file or a chart is not a value, and would
// hide the default and the file's.
func unsetEmpty() {
	for _, v := range os.Environ() {
		if name, value, _ := strings.Cut(v, "="); value == "" && strings.HasPrefix(name, "SENDOFF_") {
			_ = os.Unsetenv(name)
		}
	}
}

// maxSecretFile bounds a file that a variable names.
const maxSecretFile = 64 << 10

// readFiles sets SENDOFF_X to the content of the file that SENDOFF_X_FILE names,
// as secrets of containers are mounted. It returns an error if both are set or the
// file can't be read; it never prints a content.
func readFiles(settings []string) error {
	for _, v := range os.Environ() {
		variable, file, _ := strings.Cut(v, "=")
		name, ok := strings.CutSuffix(variable, "_FILE")
		if !ok || !strings.HasPrefix(name, "SENDOFF_") || slices.Contains(settings, variable) {
			continue
		}
		if _, both := os.LookupEnv(name); both {
			return fmt.Errorf("%s and %s are both set; set one of them", name, variable)
		}
		content, err := readSecretFile(file)
		if err != nil {
			return fmt.Errorf("%s: %w", variable, err)
		}
		if err := os.Setenv(name, content); err != nil {
			return fmt.Errorf("%s: the file %s holds a byte that no variable can hold", variable, file)
		}
	}
	return nil
}

// readSecretFile returns the content of a file without the space around it.
func readSecretFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	switch content := strings.TrimSpace(string(raw)); {
	case err != nil:
		return "", err
	case len(raw) > maxSecretFile:
		return "", fmt.Errorf("the file %s is larger than 64 KiB", name)
	case content == "":
		return "", fmt.Errorf("the file %s is empty", name)
	default:
		return content, nil
	}
}

// settingVariables returns the environment variables that flags read.
func settingVariables(n *kong.Node) (names []string) {
	for _, f := range n.Flags {
		names = append(names, f.Envs...)
	}
	for _, child := range n.Children {
		names = append(names, settingVariables(child)...)
	}
	return names
}
