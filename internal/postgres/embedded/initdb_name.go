//go:build unix

package embedded

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// nameSources give the user of an initdb a name that only this initdb sees. Each reports false when it cannot.
//
// The namespace needs no installed library; some container runtimes forbid it. The official image of PostgreSQL uses
// the library.
var nameSources = []func(cmd *exec.Cmd, root string, u osUser) bool{setNamespace, preloadNames}

// runInitdb runs initdb with args and returns its output. initdb, and the single-user server that it starts, fail when
// the system has no name for their user ID. runInitdb then repeats initdb with each of nameSources.
//
// It does not look up the name first: without cgo, Go reads only /etc/passwd and would miss users of a directory
// service.
func runInitdb(ctx context.Context, l layout, u osUser, binDir string, args []string) (out []byte, err error) {
	program := filepath.Join(binDir, "initdb")
	out, err = u.command(ctx, l.root, program, args...).CombinedOutput()
	if err == nil || !lacksName(out) {
		return out, err
	}
	for _, setName := range nameSources {
		cmd := u.command(ctx, l.root, program, args...)
		if !setName(cmd, l.root, u) {
			continue
		}
		namedOut, namedErr := cmd.CombinedOutput()
		// Without output, the namespace was forbidden and initdb did not start.
		if namedErr == nil || len(namedOut) > 0 && !lacksName(namedOut) {
			return namedOut, namedErr
		}
	}
	return out, fmt.Errorf("initdb needs a name for user ID %d, and this system has none: install libnss-wrapper, "+
		"add the user ID to /etc/passwd, or set DATABASE_URL", u.uid)
}

// lacksName reports whether initdb failed because its user ID has no name.
func lacksName(out []byte) bool {
	return strings.Contains(string(out), "could not look up effective user ID")
}

// preloadNames makes cmd read the name of u from a file, with nss_wrapper. It reports false when that library is not
// installed.
func preloadNames(cmd *exec.Cmd, root string, u osUser) bool {
	library := wrapperLibrary()
	// initdb deletes them with its other temporary files.
	passwd, group := filepath.Join(root, "initdb-passwd"), filepath.Join(root, "initdb-group")
	if library == "" ||
		os.WriteFile(passwd, fmt.Appendf(nil, "%s:x:%d:%d::/:/bin/false\n", superuser, u.uid, u.gid), 0o644) != nil ||
		os.WriteFile(group, fmt.Appendf(nil, "%s:x:%d:\n", superuser, u.gid), 0o644) != nil {
		return false
	}
	cmd.Env = append(cmd.Env, "LD_PRELOAD="+library, "NSS_WRAPPER_PASSWD="+passwd, "NSS_WRAPPER_GROUP="+group)
	return true
}

// wrapperLibrary returns the path of nss_wrapper, a library that reads users from files of our choice, or "".
func wrapperLibrary() string {
	for _, glob := range []string{
		"/usr/lib/*/libnss_wrapper.so", "/usr/lib64/libnss_wrapper.so", "/usr/lib/libnss_wrapper.so",
	} {
		if paths, _ := filepath.Glob(glob); len(paths) > 0 { // fails only for a malformed pattern
			return paths[0]
		}
	}
	return ""
}
