// Command manifests holds Kubernetes manifests against what the API server itself asks of them. It must not know what they are for.
//
//	manifests FILE...
//
// It reads and judges with the code of Kubernetes that the API server runs: unknown and repeated fields, wrong types, missing and impossible
// values, and what it warns of. Pods must also pass the "restricted" profile of the Pod Security Standards. A kustomization.yaml is
// built, and what it builds is judged. There is no cluster, and nothing goes over the network.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	validmeta "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/job"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/api/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/api/service"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	validapps "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	validbatch "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	validcore "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	validnetworking "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	validpolicy "k8s.io/kubernetes/pkg/apis/policy/validation"
	security "k8s.io/pod-security-admission/api"
	standards "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: manifests FILE...")
		os.Exit(2)
	}
	faults := 0
	for _, path := range os.Args[1:] {
		objects, err := read(path)
		for _, err := range append([]error{err}, objects...) {
			if err != nil {
				faults++
				fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			}
		}
	}
	if faults > 0 {
		os.Exit(1)
	}
}

// read judges each object of a file, or of what a kustomization builds. err is for a file that cannot be read to its end.
func read(path string) (faults []error, err error) {
	text, err := os.ReadFile(path)
	if err == nil && filepath.Base(path) == "kustomization.yaml" {
		text, err = build(filepath.Dir(path))
	}
	if err != nil {
		return nil, err
	}
	objects := 0
	for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; objects++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) && objects == 0 {
			return faults, errors.New("there is nothing in it")
		}
		if errors.Is(err, io.EOF) {
			return faults, nil
		}
		if err != nil {
			return faults, err
		}
		faults = append(faults, judge(document)...)
	}
}

// build is `kubectl kustomize`.
func build(dir string) ([]byte, error) {
	all, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return all.AsYaml()
}

// codecs are the API server's, as strict as kubectl asks it to be.
var codecs = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// judge tells everything that is wrong with one object.
func judge(document []byte) (faults []error) {
	object, kind, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return []error{err}
	}
	named := object.(metav1.Object)
	say := func(fault error) {
		faults = append(faults, fmt.Errorf("%s %s: %w", kind.Kind, named.GetName(), fault))
	}
	if named.GetNamespace() != "" {
		say(errors.New("metadata.namespace: who applies it chooses the namespace"))
	}
	named.SetNamespace("default")

	legacyscheme.Scheme.Default(object)
	if template := pods(object); template != nil {
		for _, fault := range unsafe(template) {
			say(fault)
		}
	}
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, kind.GroupKind().WithVersion(runtime.APIVersionInternal).GroupVersion())
	if err != nil {
		say(err)
		return faults
	}
	invalid, warnings := validate(internal)
	if len(invalid) == 0 {
		invalid = validmeta.ValidateObjectMetaAccessor(named, true, validmeta.NameIsDNSSubdomain, field.NewPath("metadata"))
	}
	for _, fault := range invalid {
		say(fault)
	}
	for _, warning := range warnings {
		say(errors.New(warning))
	}
	return faults
}

// validate does what the API server does before it stores a new object. All kinds that are used here stand in it.
func validate(object runtime.Object) (invalid field.ErrorList, warnings []string) {
	ctx, spec := context.Background(), field.NewPath("spec")
	switch o := object.(type) {
	case *apps.Deployment:
		return validapps.ValidateDeployment(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)),
			pod.GetWarningsForPodTemplate(ctx, spec.Child("template"), &o.Spec.Template, nil)
	case *batch.Job: // without its selector, which the API server makes
		return validbatch.ValidateJobTemplateSpec(&batch.JobTemplateSpec{Spec: o.Spec}, nil, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)),
			job.WarningsForJobSpec(ctx, spec, &o.Spec, nil)
	case *core.Service:
		return validcore.ValidateServiceCreate(o), service.GetWarningsForService(o, nil)
	case *core.ConfigMap:
		return validcore.ValidateConfigMap(o), nil
	case *core.Secret:
		return validcore.ValidateSecret(o), nil
	case *core.PersistentVolumeClaim:
		return validcore.ValidatePersistentVolumeClaim(o, validcore.ValidationOptionsForPersistentVolumeClaim(o, nil)),
			persistentvolumeclaim.GetWarningsForPersistentVolumeClaim(o)
	case *networking.Ingress:
		return validnetworking.ValidateIngressCreate(o), nil
	case *networking.NetworkPolicy:
		return validnetworking.ValidateNetworkPolicy(o, validnetworking.ValidationOptionsForNetworking(o, nil)), nil
	case *policy.PodDisruptionBudget:
		return validpolicy.ValidatePodDisruptionBudget(o, validpolicy.PodDisruptionBudgetValidationOptions{}), nil
	}
	return nil, []string{"this kind is new here: say in tools/manifests/main.go how it is validated"}
}

// pods is the template of the pods that an object makes; nil when it makes none.
func pods(object runtime.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	}
	return nil
}

// unsafe tells what the restricted profile forbids.
func unsafe(template *corev1.PodTemplateSpec) (faults []error) {
	evaluator, err := standards.NewEvaluator(standards.DefaultChecks(), nil)
	if err != nil {
		return []error{err}
	}
	restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			faults = append(faults, fmt.Errorf("not as restricted as it should be: %s: %s", result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	return faults
}
