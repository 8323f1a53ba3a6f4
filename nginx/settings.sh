#!/bin/sh
# Runs as the container starts, and writes down what differs between installations.
set -eu
out=/etc/nginx/conf.d

# TLS when a certificate is mounted, else plain HTTP.
if [ -r /etc/nginx/certs/tls.crt ] && [ -r /etc/nginx/certs/tls.key ]; then
	scheme=https
else
	scheme=http
fi
echo "include /etc/nginx/$scheme.conf;" >"$out/server.conf"

# What one address may ask for, in requests a second; ten seconds' worth may come at once.
rate=${REQUESTS_PER_SECOND:-200}
{
	echo "limit_req_zone \$binary_remote_addr zone=requests:10m rate=${rate}r/s;"
	echo "limit_req zone=requests burst=$((rate * 10)) nodelay;"
} >"$out/limits.conf"

# Proxies in front of this one, with commas between: their X-Forwarded-For tells who calls. Nobody else's does.
: >"$out/real_ip.conf"
for network in $(echo "${TRUSTED_PROXIES:-}" | tr ',' ' '); do
	echo "set_real_ip_from $network;" >>"$out/real_ip.conf"
done
