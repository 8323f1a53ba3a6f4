package deploy

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
)

// An object is one of Kubernetes. Whether it has the form that Kubernetes wants, tools/manifests.sh finds out.
type object map[string]any

// at is what stands under a path such as spec.ports.0.port; nil when there is nothing.
func (o object) at(path string) any {
	var here any = map[string]any(o)
	for key := range strings.SplitSeq(path, ".") {
		switch part := here.(type) {
		case map[string]any:
			here = part[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(part) {
				return nil
			}
			here = part[i]
		default:
			return nil
		}
	}
	return here
}

func (o object) text(path string) string {
	if o.at(path) == nil {
		return ""
	}
	return fmt.Sprint(o.at(path))
}

func (o object) list(path string) (all []object) {
	items, _ := o.at(path).([]any)
	for _, item := range items {
		all = append(all, item.(map[string]any))
	}
	return all
}

func (o object) texts(path string) map[string]string {
	all := map[string]string{}
	part, _ := o.at(path).(map[string]any)
	for key, value := range part {
		all[key] = fmt.Sprint(value)
	}
	return all
}

// read are the objects of a file.
func read(t *testing.T, file string) (all []object) {
	t.Helper()
	for document := range strings.SplitSeq(top(t, "deploy/kubernetes/"+file), "\n---\n") {
		value, err := openapi3filter.YamlBodyDecoder(strings.NewReader(document), nil, nil, nil) // the reader of YAML that we have already
		if err != nil {
			t.Fatal(file, err)
		}
		all = append(all, value.(map[string]any))
	}
	return all
}

// one is the only object of a file.
func one(t *testing.T, file string) object {
	t.Helper()
	all := read(t, file)
	if len(all) != 1 {
		t.Fatalf("%s: %d objects, not one", file, len(all))
	}
	return all[0]
}

// secrets are the settings of the sample, by "name/key".
func secrets(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, secret := range read(t, "secret.example.yaml") {
		for key, value := range secret.texts("stringData") {
			all[secret.text("metadata.name")+"/"+key] = value
		}
	}
	return all
}

// kubernetes is the container of a Deployment or a Job.
func kubernetes(t *testing.T, file string) container {
	t.Helper()
	o := one(t, file)
	pod := object(o.at("spec.template.spec").(map[string]any))
	if n := len(pod.list("containers")); n != 1 {
		t.Fatalf("%s: %d containers", file, n)
	}
	of := pod.list("containers")[0]
	seconds, err := strconv.Atoi(pod.text("terminationGracePeriodSeconds"))
	if err != nil {
		t.Error(file, err)
	}
	c := container{
		platform: "Kubernetes", image: of.text("image"), plain: map[string]string{}, secret: map[string]string{},
		user:     pod.text("securityContext.runAsUser") + ":" + pod.text("securityContext.runAsGroup"),
		readOnly: of.at("securityContext.readOnlyRootFilesystem") == true,
		grace:    time.Duration(seconds) * time.Second,
	}
	for _, arg := range of.at("args").([]any) {
		c.args = append(c.args, arg.(string))
	}
	for _, from := range of.list("envFrom") {
		settings := one(t, "configmap.yaml")
		if name := from.text("configMapRef.name"); name != settings.text("metadata.name") {
			t.Errorf("%s: there is no ConfigMap %q", file, name)
		}
		maps.Copy(c.plain, settings.texts("data"))
	}
	there := secrets(t)
	for _, env := range of.list("env") {
		name, from := env.text("name"), env.text("valueFrom.secretKeyRef.name")+"/"+env.text("valueFrom.secretKeyRef.key")
		if from == "/" {
			c.plain[name] = env.text("value")
			continue
		}
		if _, ok := there[from]; !ok {
			t.Errorf("%s: %s is from a secret that there is not: %s", file, name, from)
		}
		c.secret[name] = from
	}
	for _, port := range of.list("ports") {
		c.ports = append(c.ports, port.at("containerPort").(int))
	}
	for _, mount := range of.list("volumeMounts") {
		c.mounts = append(c.mounts, mount.text("mountPath"))
	}
	return c
}

// TestKubernetesNames holds what refers to each other by name, label or port.
func TestKubernetesNames(t *testing.T) {
	deployment, migrate, service := one(t, "deployment.yaml"), one(t, "migrate.yaml"), one(t, "service.yaml")
	of := deployment.list("spec.template.spec.containers")[0]
	port := of.list("ports")[0]

	// Selectors: of the server alone, but the policy is for both.
	server, other := deployment.texts("spec.template.metadata.labels"), migrate.texts("spec.template.metadata.labels")
	for _, s := range []struct {
		file, path string
		both       bool
	}{
		{"deployment.yaml", "spec.selector.matchLabels", false},
		{"deployment.yaml", "spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels", false},
		{"service.yaml", "spec.selector", false},
		{"disruption.yaml", "spec.selector.matchLabels", false},
		{"network.yaml", "spec.podSelector.matchLabels", true},
	} {
		selector := one(t, s.file).texts(s.path)
		if len(selector) == 0 || !selects(selector, server) || selects(selector, other) != s.both {
			t.Errorf("%s: %s %v: selects the server: %t, the migration: %t", s.file, s.path, selector, selects(selector, server), selects(selector, other))
		}
	}

	// Ports.
	if got := service.text("spec.ports.0.targetPort"); got != port.text("name") {
		t.Errorf("the service leads to port %q; the container has %q", got, port.text("name"))
	}
	backend := one(t, "ingress.example.yaml").at("spec.rules.0.http.paths.0.backend.service").(map[string]any)
	if object(backend).text("name") != service.text("metadata.name") || object(backend).text("port.name") != service.text("spec.ports.0.name") {
		t.Errorf("the ingress leads to %v", backend)
	}
	network := one(t, "network.yaml")
	if got := network.text("spec.ingress.0.ports.0.port"); got != port.text("containerPort") {
		t.Errorf("the policy lets in port %s; the container has %s", got, port.text("containerPort"))
	}
	out := []string{}
	for _, rule := range network.list("spec.egress") {
		for _, p := range rule.list("ports") {
			out = append(out, p.text("port"))
		}
	}
	if !slices.Contains(out, "53") || !slices.Contains(out, "5432") {
		t.Errorf("the policy lets out ports %v; names and PostgreSQL are needed", out)
	}

	// The claim is one that several nodes can have.
	claim := one(t, "media.yaml")
	if got := deployment.text("spec.template.spec.volumes.0.persistentVolumeClaim.claimName"); got != claim.text("metadata.name") || claim.text("spec.accessModes.0") != "ReadWriteMany" {
		t.Errorf("the claim of the files: %q, %v", got, claim.at("spec"))
	}

	// The kustomization has everything but the examples, and sets each image.
	kustomization := one(t, "kustomization.yaml")
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, path := range files {
		if name := filepath.Base(path); name != "kustomization.yaml" && !strings.HasSuffix(name, ".example.yaml") {
			want[name] = true
		}
	}
	got := map[string]bool{}
	for _, name := range kustomization.at("resources").([]any) {
		got[name.(string)] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("the kustomization has %v; there are %v", got, want)
	}
	for _, o := range []object{deployment, migrate} {
		image := o.text("spec.template.spec.containers.0.image")
		if image != "labledger:latest" || kustomization.text("images.0.name") != "labledger" {
			t.Errorf("the kustomization does not set image %q", image)
		}
	}

	// The migration goes first, alone, by the commands of the README.
	label := "app.kubernetes.io/component"
	for name := range want {
		for _, o := range read(t, name) {
			if alone := o.texts("metadata.labels")[label] == "migrate"; alone != (name == "migrate.yaml") {
				t.Errorf("%s: %v", name, o.texts("metadata.labels"))
			}
		}
	}
	told(t, "kubectl apply -k deploy/kubernetes -l "+label+"=migrate\n", "kubectl delete job "+migrate.text("metadata.name")+" ",
		"job/"+migrate.text("metadata.name")+"\n", "deployment/"+deployment.text("metadata.name")+"\n", "kubectl exec -it deploy/"+deployment.text("metadata.name")+" ")

	// Without anybody noticing: never fewer than two, and the old ones go when new ones are ready.
	rolling := deployment.texts("spec.strategy.rollingUpdate")
	if deployment.at("spec.replicas") != 2 || rolling["maxUnavailable"] != "0" || rolling["maxSurge"] != "1" || one(t, "disruption.yaml").at("spec.minAvailable") != 1 {
		t.Errorf("replicas %v, rolling update %v", deployment.at("spec.replicas"), rolling)
	}
}

// selects tells whether a pod with these labels is among the selected.
func selects(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
