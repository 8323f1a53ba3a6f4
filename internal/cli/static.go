package cli

import (
	"labledger/web"
)

type staticCmd struct {
	Dir string `arg:"" help:"Folder that is served at /static/."`
}

// Run writes what a web server before this one gives out in its place.
func (s staticCmd) Run() error { return web.Write(s.Dir) }
