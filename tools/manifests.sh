#!/bin/sh
# Holds deploy/kubernetes against what the API server of Kubernetes asks of it (see tools/manifests/main.go); no cluster is needed. Then it
# shows that this is more than a nod: of each kind, copies that are broken on purpose must be refused, and for that reason.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM HUP

(cd tools/manifests && go vet . && go build -buildvcs=false -o "$work/manifests" .)
"$work/manifests" deploy/kubernetes/*.yaml

# file, how it is broken, by which edit of sed, what must be said about it
: >"$work/refused"
while IFS='|' read -r file how edit words; do
	rm -rf "$work/copy"
	cp -R deploy/kubernetes "$work/copy"
	sed -E "$edit" "deploy/kubernetes/$file" >"$work/copy/$file"
	case="$file, $how ($edit)"
	if cmp -s "deploy/kubernetes/$file" "$work/copy/$file"; then
		echo "$case: the edit changes nothing, so it proves nothing" >&2
		exit 1
	fi
	if "$work/manifests" "$work/copy/$file" 2>"$work/said"; then
		echo "$case: a broken copy is accepted" >&2
		exit 1
	fi
	if ! grep -qF -- "$words" "$work/said"; then
		echo "$case: refused, but not by \"$words\":" >&2
		cat "$work/said" >&2
		exit 1
	fi
	echo "$(sed -n 's/^kind: //p' "deploy/kubernetes/$file" | head -n 1) $how" >>"$work/refused"
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
deployment.yaml|unsafe|s/runAsNonRoot: true/runAsNonRoot: false/|not as restricted as it should be
deployment.yaml|unsafe|s/drop: \[ALL\]/drop: [NET_RAW]/|not as restricted as it should be
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
migrate.yaml|unsafe|/seccompProfile:/,/type:/d|not as restricted as it should be
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
	for how in "unknown field" "wrong type" "missing"; do
		grep -qx "$kind $how" "$work/refused" || { echo "$kind: no broken copy shows that it is refused for: $how" >&2; exit 1; }
	done
done
echo "the manifests are as Kubernetes wants them; $(grep -c . "$work/refused") broken copies were refused"
