//go:build compose

package deploy_test

import (
	"fmt"
	"strings"
	"testing"
)

// The file that is not to be seen, and what stands in it.
const outsideMark = "nobody-may-read-this"

// outsideNames are placed in the volume, and one beside it: nothing that the API has stored.
var outsideNames = []string{".part-123", ".pending-ab0123456789abcdefghijklmn.png", "notes.txt", "ab/notes.txt", "ab/.hidden", "ab/AB0123456789abcdefghijklmn.txt"}

// The names that files of the API have, but leading elsewhere.
const (
	linkedFile   = "/media/zz/zz0123456789abcdefghijklmn.txt"
	linkedFolder = "/media/yy/yy0123456789abcdefghijklmn.txt"
)

// climbing are spellings of paths that lead out of a folder where a server is careless.
func climbing(root string) (paths []string) {
	for _, path := range []string{
		"/../../etc/passwd", "/../../../../../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
		"/%252e%252e/%252e%252e/etc/passwd", "/..%252f..%252fetc%252fpasswd", `/..\..\etc\passwd`, "/..%5c..%5cetc%5cpasswd", "/..%c0%af..%c0%afetc/passwd",
		"/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd", "/%u002e%u002e/etc/passwd", "/....//....//etc/passwd", "//etc/passwd", "/./../../etc/passwd", "/.%2e/.%2e/etc/passwd",
		"/..;/..;/etc/passwd", "/x/..;/../../../etc/passwd", "/../../etc/passwd%00.png", "/ab/../../../etc/passwd", "/%2f..%2f..%2fetc%2fpasswd", "../../etc/passwd",
		"../outside.txt", "..%2foutside.txt", "%2e%2e/outside.txt", "/../outside.txt", "/..%2foutside.txt", "/", "", "/ab/", "/ab", "/.",
	} {
		paths = append(paths, root+path)
	}
	return paths
}

// placeOutside puts files into the volume that the API has not made, and links that lead out of it.
func (p *production) placeOutside(t *testing.T) (takeAway func()) {
	t.Helper()
	p.write(t, "outside.txt", outsideMark, 0o644)
	p.inVolume(t, "media", "mkdir -p ab zz elsewhere; for f in "+strings.Join(outsideNames, " ")+"; do echo "+outsideMark+` >"$f"; done
		echo `+outsideMark+` >elsewhere/yy0123456789abcdefghijklmn.txt; ln -s elsewhere yy; ln -s /etc/passwd zz/zz0123456789abcdefghijklmn.txt; chmod -R a+rX .`)
	return func() {
		p.inVolume(t, "media", "rm -rf elsewhere yy zz/zz0123456789abcdefghijklmn.txt "+strings.Join(outsideNames, " ")+"; rmdir zz ab 2>/dev/null || true")
	}
}

// leaks asks for everything that is not to be had, and answers what was: which request, and how.
func leaks(address, static string) (asked int, found []string) {
	paths := append(climbing("/media"), climbing("/static")...)
	paths = append(paths, climbing(static)...)
	paths = append(paths, linkedFile, linkedFolder, "/media/./zz/zz0123456789abcdefghijklmn.txt", "/media//notes.txt", "/media/;/notes.txt", "/MEDIA/notes.txt")
	for _, name := range outsideNames {
		paths = append(paths, "/media/"+name, "/media/x/../"+name, "//media/"+name, "/media/%2e/"+name)
	}
	for _, path := range paths {
		for _, target := range []string{path, "http://localhost" + path} {
			asked++
			a, err := raw(address, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
			body := string(a.body)
			switch {
			case err != nil:
				found = append(found, fmt.Sprintf("%s: no answer: %v", target, err))
			case strings.Contains(body, "root:"), strings.Contains(body, outsideMark), strings.Contains(body, "Index of"):
				found = append(found, fmt.Sprintf("%s: %d %.80q", target, a.status, body))
			case a.status < 400 || a.status > 499:
				found = append(found, fmt.Sprintf("%s: status %d", target, a.status))
			}
		}
	}
	return asked, found
}

// careless is an nginx as it stands in many a tutorial.
const careless = `
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

const carelessService = `
services:
  careless:
    image: labledger-proxy:${VERSION}
    tmpfs: [/tmp, "/etc/nginx/conf.d:mode=0777"]
    volumes:
      - ./careless.conf:/etc/nginx/nginx.conf:ro
      - ./outside.txt:/srv/outside.txt:ro
      - media:/srv/media:ro
    ports: ["127.0.0.1::8080"]
    networks: [front]
  proxy:
    volumes:
      - ./outside.txt:/srv/outside.txt:ro
`

func (p *production) testTraversal(t *testing.T) {
	defer p.placeOutside(t)()
	p.write(t, "careless.conf", careless, 0o644)
	with := p.with(t, "careless.yml", carelessService)
	with.compose(t, "up", "-d", "--no-deps", "--wait", "proxy", "careless")
	defer p.compose(t, "up", "-d", "--no-deps", "--remove-orphans", "--wait", "proxy")

	static, _ := p.appFiles(t)
	asked, found := leaks("127.0.0.1:"+p.port, static)
	for _, leak := range found {
		t.Error(leak)
	}
	address := strings.TrimSpace(with.compose(t, "port", "careless", "8080"))
	_, found = leaks(address, static)
	kinds := map[string]bool{}
	for _, leak := range found {
		for _, kind := range []string{"root:", outsideMark, "Index of"} {
			if strings.Contains(leak, kind) {
				kinds[kind] = true
			}
		}
	}
	if len(kinds) != 3 {
		t.Errorf("a careless nginx was asked the same and gave away %v only: this test finds nothing", kinds)
	}
	t.Logf("%d requests; a careless nginx gives in to %d of them", asked, len(found))
}
