#!/bin/sh
# Validates deploy/kubernetes as the Kubernetes API server does (see tools/manifests/main.go), without a cluster. Then
# checks the validation itself: broken copies of each kind must be rejected, each for the expected reason.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

(cd tools/manifests && go vet . && go build -buildvcs=false -o "$work/manifests" .)
"$work/manifests" deploy/kubernetes/*.yaml

# file | kind of mistake | sed edit that makes it | expected error
: >"$work/rejected"
while IFS='|' read -r file mistake edit message; do
	rm -rf "$work/copy"
	cp -R deploy/kubernetes "$work/copy"
	sed -E "$edit" "deploy/kubernetes/$file" >"$work/copy/$file"
	case="$file, $mistake ($edit)"
	if cmp -s "deploy/kubernetes/$file" "$work/copy/$file"; then
		echo "$case: the edit changes nothing" >&2
		exit 1
	fi
	if "$work/manifests" "$work/copy/$file" 2>"$work/errors"; then
		echo "$case: the broken copy was accepted" >&2
		exit 1
	fi
	if ! grep -qF -- "$message" "$work/errors"; then
		echo "$case: rejected, but without the expected error \"$message\":" >&2
		cat "$work/errors" >&2
		exit 1
	fi
	echo "$(sed -n 's/^kind: //p' "deploy/kubernetes/$file" | head -n 1) $mistake" >>"$work/rejected"
done <<'CASES'
configmap.yaml|unknown field|s/^data:/dada:/|unknown field "dada"
configmap.yaml|wrong type|s/PORT: "5000"/PORT: 5000/|cannot unmarshal number
configmap.yaml|missing|/^  name: /d|metadata.name: Required value
configmap.yaml|impossible|s/PORT:/THE PORT:/|a valid config key
deployment.yaml|unknown field|s/readinessProbe:/readynessProbe:/|unknown field "spec.template.spec.containers[0].readynessProbe"
deployment.yaml|repeated field|s/^( *)maxSurge: 1/&\n\1maxSurge: 1/|already set
deployment.yaml|wrong type|s/replicas: 2/replicas: two/|cannot unmarshal string
deployment.yaml|missing|/ image: /d|containers[0].image: Required value
deployment.yaml|impossible|s/maxSurge: 1/maxSurge: 0/|may not be 0 when `maxSurge` is 0
deployment.yaml|missing|s/claimName:.*/readOnly: false/|claimName: Required value
deployment.yaml|impossible|s/mountPath: .tmp/mountPath: \/var\/lib\/labledger\/media/|must be unique
deployment.yaml|unsafe|s/runAsNonRoot: true/runAsNonRoot: false/|violates the restricted profile
deployment.yaml|unsafe|s/drop: \[ALL\]/drop: [NET_RAW]/|violates the restricted profile
disruption.yaml|unknown field|s/minAvailable:/minAvailible:/|unknown field "spec.minAvailible"
disruption.yaml|wrong type|s/minAvailable: 1/minAvailable: [1]/|cannot unmarshal array
disruption.yaml|missing|/^  name: /d|metadata.name: Required value
disruption.yaml|impossible|s/minAvailable: 1/minAvailable: half/|a valid percent string
ingress.example.yaml|unknown field|s/ service:/ services:/|unknown field "spec.rules[0].http.paths[0].backend.services"
ingress.example.yaml|wrong type|s/"1800"/1800/|cannot unmarshal number
ingress.example.yaml|missing|/pathType:/d|pathType: Required value
ingress.example.yaml|impossible|s/pathType: Prefix/pathType: Suffix/|Unsupported value: "Suffix"
kustomization.yaml|unknown field|s/^images:/image:/|unknown field "image"
kustomization.yaml|wrong type|s/newTag: latest/newTag: [latest]/|cannot unmarshal array
kustomization.yaml|missing|s/- service.yaml/- services.yaml/|no such file
media.yaml|unknown field|s/accessModes:/accessMode:/|unknown field "spec.accessMode"
media.yaml|wrong type|s/\[ReadWriteMany\]/ReadWriteMany/|cannot unmarshal string
media.yaml|missing|/accessModes:/d|accessModes: Required value
media.yaml|impossible|s/ReadWriteMany\]/ReadWriteAll]/|Unsupported value: "ReadWriteAll"
migrate.yaml|unknown field|s/backoffLimit:/backOffLimit:/|unknown field "spec.backOffLimit"
migrate.yaml|wrong type|s/backoffLimit: 3/backoffLimit: "3"/|cannot unmarshal string
migrate.yaml|missing|/restartPolicy:/d|restartPolicy: Required value
migrate.yaml|impossible|s/restartPolicy: Never/restartPolicy: Always/|valid values: "OnFailure", "Never"
migrate.yaml|unsafe|/seccompProfile:/,/type:/d|violates the restricted profile
network.yaml|unknown field|s/policyTypes:/policyType:/|unknown field "spec.policyType"
network.yaml|wrong type|s/\[Ingress, Egress\]/Ingress/|cannot unmarshal string
network.yaml|missing|/^  name: /d|metadata.name: Required value
network.yaml|impossible|s/port: 5432/port: 65536/|must be between 1 and 65535
secret.example.yaml|unknown field|s/^stringData:/stringsData:/|unknown field "stringsData"
secret.example.yaml|wrong type|s/JWT_SECRET: .*/JWT_SECRET: 5/|cannot unmarshal number
secret.example.yaml|missing|/^  name: /d|metadata.name: Required value
service.yaml|unknown field|s/targetPort:/targetport:/|unknown field "spec.ports[0].targetport"
service.yaml|wrong type|s/port: 80/port: eighty/|cannot unmarshal string
service.yaml|missing|/^  ports:/,$d|spec.ports: Required value
service.yaml|impossible|s/port: 80/port: 0/|must be between 1 and 65535
CASES

for kind in $(sed -n 's/^kind: //p' deploy/kubernetes/*.yaml | sort -u); do
	for mistake in "unknown field" "wrong type" "missing"; do
		grep -qx "$kind $mistake" "$work/rejected" || { echo "$kind: no case above covers the mistake: $mistake" >&2; exit 1; }
	done
done
echo "the manifests are valid; $(grep -c . "$work/rejected") broken copies were rejected"
