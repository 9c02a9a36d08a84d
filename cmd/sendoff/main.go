// Command sendoff is the whole of Sendoff: front door, worker, administration.
package main

import (
	"os"
	_ "time/tzdata" // zones of recipients, where the machine has no tz database

	"github.com/sendoff/sendoff/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
