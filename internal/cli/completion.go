package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sendoff/sendoff/internal/cli/console"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// The scripts ask sendoff itself what may follow, so that they know every command
// of the version that is installed.
var completionScripts = map[string]string{
	"bash": `_sendoff() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$(sendoff ` + completeWord + ` "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _sendoff sendoff
`,
	"zsh": `#compdef sendoff
_sendoff() {
  local -a found
  found=("${(@f)$(sendoff ` + completeWord + ` "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
  _files
}
compdef _sendoff sendoff
`,
	"fish": `complete -c sendoff -a '(sendoff ` + completeWord + ` (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
`,
}

// completeWord is the hidden command that the scripts call.
const completeWord = "__complete"

// Help describes how to use the script.
func (*completionCmd) Help() string {
	return `Prints a script for the shell. bash: source <(sendoff completion bash); zsh: sendoff completion zsh > a file named _sendoff in
$fpath; fish: sendoff completion fish > ~/.config/fish/completions/sendoff.fish.`
}

// Run prints the script.
func (c *completionCmd) Run(e *console.Env) error {
	_, err := fmt.Fprint(e.Stdout, completionScripts[c.Shell])
	return err
}

// complete returns what may stand in place of the last of words: commands, flags
// and the values of an enumeration.
func complete(root *kong.Node, words []string) (found []string) {
	last := ""
	if n := len(words); n > 0 {
		last, words = words[n-1], words[:n-1]
	}
	node, flag := walk(root, words)
	var all []string
	switch {
	case flag != nil:
		all = flag.EnumSlice()
	case strings.HasPrefix(last, "-"):
		for n := node; n != nil; n = n.Parent {
			for _, f := range n.Flags {
				if !f.Hidden {
					all = append(all, "--"+f.Name)
				}
			}
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				all = append(all, child.Name)
			}
		}
		for _, arg := range node.Positional {
			all = append(all, arg.EnumSlice()...)
		}
	}
	for _, s := range all {
		if s != "" && strings.HasPrefix(s, last) {
			found = append(found, s)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// walk returns the command that words name and, if the last of them is a flag that
// takes a value, that flag.
func walk(node *kong.Node, words []string) (*kong.Node, *kong.Flag) {
	var flag *kong.Flag
	for _, w := range words {
		if flag != nil {
			flag = nil // w is its value
			continue
		}
		if name, ok := strings.CutPrefix(w, "--"); ok {
			flag = wanting(node, name)
			continue
		}
		for _, child := range node.Children {
			if child.Name == w {
				node = child
				break
			}
		}
	}
	return node, flag
}

// wanting returns the flag of that name that takes its value from the next word, or
// nil.
func wanting(node *kong.Node, name string) *kong.Flag {
	for n := node; n != nil; n = n.Parent {
		for _, f := range n.Flags {
			if f.Name == name && !f.IsBool() {
				return f
			}
		}
	}
	return nil
}
