package cli

import "labledger/web"

type staticCmd struct {
	Dir string `arg:"" help:"Directory that the web server serves at /static/."`
}

// Run writes the static files of the web app for a web server in front of this one.
func (s staticCmd) Run() error { return web.Write(s.Dir) }
