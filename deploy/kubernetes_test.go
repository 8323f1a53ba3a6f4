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

// An object is a Kubernetes object. tools/manifests.sh validates its form.
type object map[string]any

// get returns the value at a path such as spec.ports.0.port, or nil.
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

// readObjects returns the objects of a file.
func readObjects(t *testing.T, file string) (objects []object) {
	t.Helper()
	for document := range strings.SplitSeq(readRepoFile(t, "deploy/kubernetes/"+file), "\n---\n") {
		// The OpenAPI library decodes YAML, so the tests need no other dependency.
		value, err := openapi3filter.YamlBodyDecoder(strings.NewReader(document), nil, nil, nil)
		if err != nil {
			t.Fatal(file, err)
		}
		objects = append(objects, value.(map[string]any))
	}
	return objects
}

// readObject returns the only object of a file.
func readObject(t *testing.T, file string) object {
	t.Helper()
	objects := readObjects(t, file)
	if len(objects) != 1 {
		t.Fatalf("%s: %d objects, want 1", file, len(objects))
	}
	return objects[0]
}

// sampleSecrets returns the values of secret.example.yaml by name/key.
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

// kubernetesContainer returns the container of a Deployment or a Job.
func kubernetesContainer(t *testing.T, file string) container {
	t.Helper()
	o := readObject(t, file)
	pod := object(o.get("spec.template.spec").(map[string]any))
	if n := len(pod.getList("containers")); n != 1 {
		t.Fatalf("%s: %d containers, want 1", file, n)
	}
	def := pod.getList("containers")[0]
	seconds, err := strconv.Atoi(pod.getString("terminationGracePeriodSeconds"))
	if err != nil {
		t.Error(file, err)
	}
	c := container{
		platform: "Kubernetes",
		image:    def.getString("image"),
		plain:    map[string]string{},
		secret:   map[string]string{},
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
			t.Errorf("%s refers to the missing ConfigMap %q", file, name)
		}
		maps.Copy(c.plain, settings.getStrings("data"))
	}
	secrets := sampleSecrets(t)
	for _, env := range def.getList("env") {
		name := env.getString("name")
		ref := env.getString("valueFrom.secretKeyRef.name") + "/" + env.getString("valueFrom.secretKeyRef.key")
		if ref == "/" {
			c.plain[name] = env.getString("value")
			continue
		}
		if _, ok := secrets[ref]; !ok {
			t.Errorf("%s: %s refers to the missing secret %s", file, name, ref)
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

// TestManifests_selectors: the selectors select the server. Only the network policy selects the migration, too.
func TestManifests_selectors(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	migrate := readObject(t, "migrate.yaml")
	serverLabels := deployment.getStrings("spec.template.metadata.labels")
	migrationLabels := migrate.getStrings("spec.template.metadata.labels")
	for _, c := range []struct {
		file, path       string
		selectsMigration bool
	}{
		{"deployment.yaml", "spec.selector.matchLabels", false},
		{"deployment.yaml", "spec.template.spec.topologySpreadConstraints.0.labelSelector.matchLabels", false},
		{"service.yaml", "spec.selector", false},
		{"disruption.yaml", "spec.selector.matchLabels", false},
		{"network.yaml", "spec.podSelector.matchLabels", true},
	} {
		selector := readObject(t, c.file).getStrings(c.path)
		if len(selector) == 0 || !selectorMatches(selector, serverLabels) {
			t.Errorf("%s: %s %v does not select the server", c.file, c.path, selector)
		}
		if got := selectorMatches(selector, migrationLabels); got != c.selectsMigration {
			t.Errorf("%s: %s %v selects the migration: %t, want %t", c.file, c.path, selector, got, c.selectsMigration)
		}
	}
}

// TestManifests_ports: the service, the ingress and the network policy use the port of the container.
func TestManifests_ports(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	service := readObject(t, "service.yaml")
	port := deployment.getList("spec.template.spec.containers")[0].getList("ports")[0]
	if got := service.getString("spec.ports.0.targetPort"); got != port.getString("name") {
		t.Errorf("the service targets port %q; the container has %q", got, port.getString("name"))
	}
	ingress := readObject(t, "ingress.example.yaml")
	backend := object(ingress.get("spec.rules.0.http.paths.0.backend.service").(map[string]any))
	if backend.getString("name") != service.getString("metadata.name") ||
		backend.getString("port.name") != service.getString("spec.ports.0.name") {
		t.Errorf("the ingress has the backend %v, which is not the service", backend)
	}
	network := readObject(t, "network.yaml")
	if got := network.getString("spec.ingress.0.ports.0.port"); got != port.getString("containerPort") {
		t.Errorf("the policy admits port %s; the container has %s", got, port.getString("containerPort"))
	}
	egressPorts := []string{}
	for _, rule := range network.getList("spec.egress") {
		for _, p := range rule.getList("ports") {
			egressPorts = append(egressPorts, p.getString("port"))
		}
	}
	if !slices.Contains(egressPorts, "53") || !slices.Contains(egressPorts, "5432") {
		t.Errorf("the policy allows connections to ports %v; want 53 for DNS and 5432 for PostgreSQL", egressPorts)
	}
}

// TestManifests_mediaVolume: the deployment uses the claim for uploaded files.
func TestManifests_mediaVolume(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	claim := readObject(t, "media.yaml")
	name := deployment.getString("spec.template.spec.volumes.0.persistentVolumeClaim.claimName")
	if name != claim.getString("metadata.name") {
		t.Errorf("the deployment uses claim %q, not %q", name, claim.getString("metadata.name"))
	}
	if mode := claim.getString("spec.accessModes.0"); mode != "ReadWriteMany" {
		t.Errorf("the claim has access mode %q; servers on several nodes share it, so want ReadWriteMany", mode)
	}
}

// TestManifests_kustomization: the kustomization lists every manifest except examples and sets the image.
func TestManifests_kustomization(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	migrate := readObject(t, "migrate.yaml")
	kustomization := readObject(t, "kustomization.yaml")
	got := map[string]bool{}
	for _, name := range kustomization.get("resources").([]any) {
		got[name.(string)] = true
	}
	want := map[string]bool{}
	for _, name := range manifestFiles(t) {
		want[name] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("the kustomization lists %v; want every manifest except examples: %v", got, want)
	}
	for _, o := range []object{deployment, migrate} {
		image := o.getString("spec.template.spec.containers.0.image")
		if image != "labledger:latest" || kustomization.getString("images.0.name") != "labledger" {
			t.Errorf("the kustomization does not set image %q", image)
		}
	}
}

// TestManifests_migrationLabel: the documented commands apply the migration first, by its label.
func TestManifests_migrationLabel(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	migrate := readObject(t, "migrate.yaml")
	const label = "app.kubernetes.io/component"
	for _, file := range manifestFiles(t) {
		for _, o := range readObjects(t, file) {
			labels := o.getStrings("metadata.labels")
			if isMigration := labels[label] == "migrate"; isMigration != (file == "migrate.yaml") {
				t.Errorf("%s: only migrate.yaml must have the label migrate: %v", file, labels)
			}
		}
	}
	job, server := migrate.getString("metadata.name"), deployment.getString("metadata.name")
	assertDocumented(t, "kubectl apply -k deploy/kubernetes -l "+label+"=migrate\n", "kubectl delete job "+job+" ",
		"job/"+job+"\n", "deployment/"+server+"\n", "kubectl exec -it deploy/"+server+" ")
}

// TestManifests_zeroDowntimeUpgrade: two servers always run: an old pod stops only when a new one is ready.
func TestManifests_zeroDowntimeUpgrade(t *testing.T) {
	t.Parallel()
	deployment := readObject(t, "deployment.yaml")
	rolling := deployment.getStrings("spec.strategy.rollingUpdate")
	if deployment.get("spec.replicas") != 2 || rolling["maxUnavailable"] != "0" || rolling["maxSurge"] != "1" {
		t.Errorf("replicas %v, rolling update %v", deployment.get("spec.replicas"), rolling)
	}
	if got := readObject(t, "disruption.yaml").get("spec.minAvailable"); got != 1 {
		t.Errorf("the disruption budget has minAvailable %v, want 1", got)
	}
}

// manifestFiles returns the names of all manifests except examples and the kustomization.
func manifestFiles(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if name := filepath.Base(path); name != "kustomization.yaml" && !strings.HasSuffix(name, ".example.yaml") {
			names = append(names, name)
		}
	}
	return names
}

// selectorMatches reports whether the selector matches a pod with these labels.
func selectorMatches(selector, labels map[string]string) bool {
	for key, value := range selector {
		if labels[key] != value {
			return false
		}
	}
	return true
}
