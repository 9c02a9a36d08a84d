// Command sendoff is the whole of Sendoff: front door, worker, administration.
package main

import "os"

// version is set when the binary is built.
var version = "dev"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
