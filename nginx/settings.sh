#!/bin/sh
# Writes the settings of this installation when the container starts.
set -eu
out=/etc/nginx/conf.d

# HTTPS if a certificate is mounted, else plain HTTP.
if [ -r /etc/nginx/certs/tls.crt ] && [ -r /etc/nginx/certs/tls.key ]; then
	scheme=https
else
	scheme=http
fi
echo "include /etc/nginx/$scheme.conf;" >"$out/server.conf"

# Rate limit per client address, in requests per second; the burst is ten seconds' worth.
rate=${REQUESTS_PER_SECOND:-200}
{
	echo "limit_req_zone \$binary_remote_addr zone=requests:10m rate=${rate}r/s;"
	echo "limit_req zone=requests burst=$((rate * 10)) nodelay;"
} >"$out/limits.conf"

# Comma-separated proxies in front of this one. X-Forwarded-For is trusted from these only.
: >"$out/real_ip.conf"
for network in $(echo "${TRUSTED_PROXIES:-}" | tr ',' ' '); do
	echo "set_real_ip_from $network;" >>"$out/real_ip.conf"
done
