//go:build compose

package deploy_test

import (
	"fmt"
	"strings"
	"testing"
)

// forbiddenContent is the content of files that no client may read.
const forbiddenContent = "forbidden-content"

// plantedFiles are files in the media volume that the API did not store.
var plantedFiles = []string{
	".part-123", ".pending-ab0123456789abcdefghijklmn.png", "notes.txt", "ab/notes.txt", "ab/.hidden",
	"ab/AB0123456789abcdefghijklmn.txt",
}

// Paths of symbolic links with names like those of stored files.
const (
	symlinkedFile = "/media/zz/zz0123456789abcdefghijklmn.txt"
	symlinkedDir  = "/media/yy/yy0123456789abcdefghijklmn.txt"
)

// traversalPaths returns paths that leave the directory root on a vulnerable server.
func traversalPaths(root string) (paths []string) {
	for _, path := range []string{
		"/../../etc/passwd", "/../../../../../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd",
		"/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/%252e%252e/%252e%252e/etc/passwd", "/..%252f..%252fetc%252fpasswd",
		`/..\..\etc\passwd`, "/..%5c..%5cetc%5cpasswd", "/..%c0%af..%c0%afetc/passwd",
		"/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/%u002e%u002e/etc/passwd", "/....//....//etc/passwd", "//etc/passwd",
		"/./../../etc/passwd", "/.%2e/.%2e/etc/passwd", "/..;/..;/etc/passwd", "/x/..;/../../../etc/passwd",
		"/../../etc/passwd%00.png", "/ab/../../../etc/passwd", "/%2f..%2f..%2fetc%2fpasswd", "../../etc/passwd",
		"../outside.txt", "..%2foutside.txt", "%2e%2e/outside.txt", "/../outside.txt", "/..%2foutside.txt",
		"/", "", "/ab/", "/ab", "/.",
	} {
		paths = append(paths, root+path)
	}
	return paths
}

// plantForbiddenFiles creates plantedFiles in the media volume, symbolic links that leave it, and a file outside of it.
func (p *prodStack) plantForbiddenFiles(t *testing.T) (remove func()) {
	t.Helper()
	p.writeFile(t, "outside.txt", forbiddenContent, 0o644)
	names := strings.Join(plantedFiles, " ")
	p.runInVolume(t, "media", `mkdir -p ab zz elsewhere
		for f in `+names+`; do echo `+forbiddenContent+` >"$f"; done
		echo `+forbiddenContent+` >elsewhere/yy0123456789abcdefghijklmn.txt
		ln -s elsewhere yy
		ln -s /etc/passwd zz/zz0123456789abcdefghijklmn.txt
		chmod -R a+rX .`)
	return func() {
		p.runInVolume(t, "media", `rm -rf elsewhere yy zz/zz0123456789abcdefghijklmn.txt `+names+`
			rmdir zz ab 2>/dev/null || true`)
	}
}

// findLeaks requests all forbidden files. It returns a description of every response that is not a 4xx error.
func findLeaks(address, staticDir string) (requests int, leaks []string) {
	paths := append(traversalPaths("/media"), traversalPaths("/static")...)
	paths = append(paths, traversalPaths(staticDir)...)
	paths = append(paths, symlinkedFile, symlinkedDir, "/media/./zz/zz0123456789abcdefghijklmn.txt",
		"/media//notes.txt", "/media/;/notes.txt", "/MEDIA/notes.txt")
	for _, name := range plantedFiles {
		paths = append(paths, "/media/"+name, "/media/x/../"+name, "//media/"+name, "/media/%2e/"+name)
	}
	for _, path := range paths {
		for _, target := range []string{path, "http://localhost" + path} {
			requests++
			resp, err := sendRaw(address, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			body := string(resp.body)
			switch {
			case err != nil:
				leaks = append(leaks, fmt.Sprintf("%s: no response: %v", target, err))
			case strings.Contains(body, "root:"), strings.Contains(body, forbiddenContent),
				strings.Contains(body, "Index of"):
				leaks = append(leaks, fmt.Sprintf("%s: status %d: %.80q", target, resp.status, body))
			case resp.status < 400 || resp.status > 499:
				leaks = append(leaks, fmt.Sprintf("%s: status %d", target, resp.status))
			}
		}
	}
	return requests, leaks
}

// vulnerableConf is an nginx configuration with common mistakes.
const vulnerableConf = `
pid /tmp/nginx.pid;
error_log /dev/stderr;
events {}
http {
    access_log off;
    client_body_temp_path /tmp/body;
    proxy_temp_path /tmp/proxy;
    fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi;
    scgi_temp_path /tmp/scgi;
    server {
        listen 8080;
        location /media {
            alias /srv/media/;
            autoindex on;
        }
    }
}
`

const vulnerableService = `
services:
  vulnerable:
    image: labledger-proxy:${VERSION}
    tmpfs: [/tmp, "/etc/nginx/conf.d:mode=0777"]
    volumes:
      - ./vulnerable.conf:/etc/nginx/nginx.conf:ro
      - ./outside.txt:/srv/outside.txt:ro
      - media:/srv/media:ro
    ports: ["127.0.0.1::8080"]
    networks: [front]
  proxy:
    volumes:
      - ./outside.txt:/srv/outside.txt:ro
`

func (p *prodStack) testTraversal(t *testing.T) {
	defer p.plantForbiddenFiles(t)()
	p.writeFile(t, "vulnerable.conf", vulnerableConf, 0o644)
	vulnerable := p.withOverride(t, "vulnerable.yml", vulnerableService)
	vulnerable.compose(t, "up", "-d", "--no-deps", "--wait", "proxy", "vulnerable")
	defer p.compose(t, "up", "-d", "--no-deps", "--remove-orphans", "--wait", "proxy")

	staticDir, _ := p.appFiles(t)
	requests, leaks := findLeaks("127.0.0.1:"+p.port, staticDir)
	for _, leak := range leaks {
		t.Error(leak)
	}
	address := strings.TrimSpace(vulnerable.compose(t, "port", "vulnerable", "8080"))
	_, leaks = findLeaks(address, staticDir)
	seen := map[string]bool{}
	for _, leak := range leaks {
		for _, marker := range []string{"root:", forbiddenContent, "Index of"} {
			if strings.Contains(leak, marker) {
				seen[marker] = true
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("control: a vulnerable nginx leaks only %v", seen)
	}
	t.Logf("%d requests; a vulnerable nginx leaks at %d of them", requests, len(leaks))
}
