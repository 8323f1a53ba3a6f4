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

// get is what stands under a path such as spec.ports.0.port; nil when there is nothing.
func (o object) get(path string) any {
	var value any = map[string]any(o)
	for key := range strings.SplitSeq(path, ".") {
		switch node := value.(type) {
		case map[string]any:
			value = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(node) {
				return nil
			}
			value = node[i]
		default:
			return nil
		}
	}
	return value
}

func (o object) getString(path string) string {
	if o.get(path) == nil {
		return ""
	}
	return fmt.Sprint(o.get(path))
}

func (o object) getList(path string) (objects []object) {
	items, _ := o.get(path).([]any)
	for _, item := range items {
		objects = append(objects, item.(map[string]any))
	}
	return objects
}

func (o object) getStrings(path string) map[string]string {
	values := map[string]string{}
	node, _ := o.get(path).(map[string]any)
	for key, value := range node {
		values[key] = fmt.Sprint(value)
	}
	return values
}

// readObjects are the objects of a file.
func readObjects(t *testing.T, file string) (objects []object) {
	t.Helper()
	for document := range strings.SplitSeq(readRepoFile(t, "deploy/kubernetes/"+file), "\n---\n") {
		value, err := openapi3filter.YamlBodyDecoder(strings.NewReader(document), nil, nil, nil) // the reader of YAML that we have already
		if err != nil {
			t.Fatal(file, err)
		}
		objects = append(objects, value.(map[string]any))
	}
	return objects
}

// readObject is the only object of a file.
func readObject(t *testing.T, file string) object {
	t.Helper()
	objects := readObjects(t, file)
	if len(objects) != 1 {
		t.Fatalf("%s: %d objects, not one", file, len(objects))
	}
	return objects[0]
}

// sampleSecrets are the settings of the sample, by "name/key".
func sampleSecrets(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, secret := range readObjects(t, "secret.example.yaml") {
		for key, value := range secret.getStrings("stringData") {
			values[secret.getString("metadata.name")+"/"+key] = value
		}
	}
	return values
}

// kubernetesContainer is the container of a Deployment or a Job.
func kubernetesContainer(t *testing.T, file string) container {
	t.Helper()
	o := readObject(t, file)
	pod := object(o.get("spec.template.spec").(map[string]any))
	if n := len(pod.getList("containers")); n != 1 {
		t.Fatalf("%s: %d containers", file, n)
	}
	def := pod.getList("containers")[0]
	seconds, err := strconv.Atoi(pod.getString("terminationGracePeriodSeconds"))
	if err != nil {
		t.Error(file, err)
	}
	c := container{
		platform: "Kubernetes", image: def.getString("image"), plain: map[string]string{}, secret: map[string]string{},
		user:     pod.getString("securityContext.runAsUser") + ":" + pod.getString("securityContext.runAsGroup"),
		readOnly: def.get("securityContext.readOnlyRootFilesystem") == true,
		grace:    time.Duration(seconds) * time.Second,
	}
	for _, arg := range def.get("args").([]any) {
		c.args = append(c.args, arg.(string))
	}
	for _, ref := range def.getList("envFrom") {
		settings := readObject(t, "configmap.yaml")
		if name := ref.getString("configMapRef.name"); name != settings.getString("metadata.name") {
			t.Errorf("%s: there is no ConfigMap %q", file, name)
		}
		maps.Copy(c.plain, settings.getStrings("data"))
	}
	secrets := sampleSecrets(t)
	for _, env := range def.getList("env") {
		name, ref := env.getString("name"), env.getString("valueFrom.secretKeyRef.name")+"/"+env.getString("valueFrom.secretKeyRef.key")
		if ref == "/" {
			c.plain[name] = env.getString("value")
			continue
		}
		if _, ok := secrets[ref]; !ok {
			t.Errorf("%s: %s is from a secret that there is not: %s", file, name, ref)
		}
		c.secret[name] = ref
	}
	for _, port := range def.getList("ports") {
		c.ports = append(c.ports, port.get("containerPort").(int))
	}
	for _, mount := range def.getList("volumeMounts") {
		c.mounts = append(c.mounts, mount.getString("mountPath"))
	}
	return c
}

// TestManifests_referToEachOther holds what refers to each other by name, label or port.
func TestManifests_referToEachOther(t *testing.T) {
	deployment, migrate, service := readObject(t, "deployment.yaml"), readObject(t, "migrate.yaml"), readObject(t, "service.yaml")
	of := deployment.getList("spec.template.spec.containers")[0]
	port := of.getList("ports")[0]

	// Selectors: of the server alone, but the policy is for both.
	serverLabels, migrationLabels := deployment.getStrings("spec.template.metadata.labels"), migrate.getStrings("spec.template.metadata.labels")
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
		selector := readObject(t, s.file).getStrings(s.path)
		if len(selector) == 0 || !selectorMatches(selector, serverLabels) || selectorMatches(selector, migrationLabels) != s.both {
			t.Errorf("%s: %s %v: selects the server: %t, the migration: %t", s.file, s.path, selector, selectorMatches(selector, serverLabels), selectorMatches(selector, migrationLabels))
		}
	}

	// Ports.
	if got := service.getString("spec.ports.0.targetPort"); got != port.getString("name") {
		t.Errorf("the service leads to port %q; the container has %q", got, port.getString("name"))
	}
	backend := readObject(t, "ingress.example.yaml").get("spec.rules.0.http.paths.0.backend.service").(map[string]any)
	if object(backend).getString("name") != service.getString("metadata.name") || object(backend).getString("port.name") != service.getString("spec.ports.0.name") {
		t.Errorf("the ingress leads to %v", backend)
	}
	network := readObject(t, "network.yaml")
	if got := network.getString("spec.ingress.0.ports.0.port"); got != port.getString("containerPort") {
		t.Errorf("the policy lets in port %s; the container has %s", got, port.getString("containerPort"))
	}
	egressPorts := []string{}
	for _, rule := range network.getList("spec.egress") {
		for _, p := range rule.getList("ports") {
			egressPorts = append(egressPorts, p.getString("port"))
		}
	}
	if !slices.Contains(egressPorts, "53") || !slices.Contains(egressPorts, "5432") {
		t.Errorf("the policy lets out ports %v; names and PostgreSQL are needed", egressPorts)
	}

	// The claim is one that several nodes can have.
	claim := readObject(t, "media.yaml")
	if got := deployment.getString("spec.template.spec.volumes.0.persistentVolumeClaim.claimName"); got != claim.getString("metadata.name") || claim.getString("spec.accessModes.0") != "ReadWriteMany" {
		t.Errorf("the claim of the files: %q, %v", got, claim.get("spec"))
	}

	// The kustomization has everything but the examples, and sets each image.
	kustomization := readObject(t, "kustomization.yaml")
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
	for _, name := range kustomization.get("resources").([]any) {
		got[name.(string)] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("the kustomization has %v; there are %v", got, want)
	}
	for _, o := range []object{deployment, migrate} {
		image := o.getString("spec.template.spec.containers.0.image")
		if image != "labledger:latest" || kustomization.getString("images.0.name") != "labledger" {
			t.Errorf("the kustomization does not set image %q", image)
		}
	}

	// The migration goes first, alone, by the commands of the README.
	label := "app.kubernetes.io/component"
	for name := range want {
		for _, o := range readObjects(t, name) {
			if isMigration := o.getStrings("metadata.labels")[label] == "migrate"; isMigration != (name == "migrate.yaml") {
				t.Errorf("%s: %v", name, o.getStrings("metadata.labels"))
			}
		}
	}
	assertDocumented(t, "kubectl apply -k deploy/kubernetes -l "+label+"=migrate\n", "kubectl delete job "+migrate.getString("metadata.name")+" ",
		"job/"+migrate.getString("metadata.name")+"\n", "deployment/"+deployment.getString("metadata.name")+"\n", "kubectl exec -it deploy/"+deployment.getString("metadata.name")+" ")

	// Without anybody noticing: never fewer than two, and the old ones go when new ones are ready.
	rolling := deployment.getStrings("spec.strategy.rollingUpdate")
	if deployment.get("spec.replicas") != 2 || rolling["maxUnavailable"] != "0" || rolling["maxSurge"] != "1" || readObject(t, "disruption.yaml").get("spec.minAvailable") != 1 {
		t.Errorf("replicas %v, rolling update %v", deployment.get("spec.replicas"), rolling)
	}
}

// selectorMatches tells whether a pod with these labels is among the selected.
func selectorMatches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
