// Command labledger serves a laboratory's inventory, event ledger and history over HTTP, from PostgreSQL.
package main

import (
	"os"

	"labledger/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:])) }
