// Command manifests validates Kubernetes manifests as the API server does.
//
//	manifests FILE...
//
// It uses the validation code of the API server, and knows nothing about Labledger. It reports unknown and repeated
// fields, wrong types, missing and invalid values, and the API server's warnings. Pods must also satisfy the
// "restricted" profile of the Pod Security Standards. For a kustomization.yaml, it builds the kustomization and
// validates the result. It needs no cluster and no network.
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
	failed := false
	for _, path := range os.Args[1:] {
		invalid, err := validateFile(path)
		for _, err := range append([]error{err}, invalid...) {
			if err != nil {
				failed = true
				fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			}
		}
	}
	if failed {
		os.Exit(1)
	}
}

// validateFile validates each object of a file, or each object that a kustomization builds. It returns the validation
// errors, and err if it cannot read the file to its end.
func validateFile(path string) (invalid []error, err error) {
	text, err := os.ReadFile(path)
	if err == nil && filepath.Base(path) == "kustomization.yaml" {
		text, err = buildKustomization(filepath.Dir(path))
	}
	if err != nil {
		return nil, err
	}
	objects := 0
	for documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text))); ; objects++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) && objects == 0 {
			return invalid, errors.New("the file contains no object")
		}
		if errors.Is(err, io.EOF) {
			return invalid, nil
		}
		if err != nil {
			return invalid, err
		}
		invalid = append(invalid, validateDocument(document)...)
	}
}

// buildKustomization is `kubectl kustomize`.
func buildKustomization(dir string) ([]byte, error) {
	resources, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// codecs decode as strictly as the API server does for kubectl.
var codecs = serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)

// validateDocument returns all validation errors and warnings of one object.
func validateDocument(document []byte) (errs []error) {
	object, kind, err := codecs.UniversalDeserializer().Decode(document, nil, nil)
	if err != nil {
		return []error{err}
	}
	meta := object.(metav1.Object)
	report := func(err error) {
		errs = append(errs, fmt.Errorf("%s %s: %w", kind.Kind, meta.GetName(), err))
	}
	if meta.GetNamespace() != "" {
		report(errors.New("metadata.namespace: must not be set; kubectl selects the namespace"))
	}
	meta.SetNamespace("default")

	legacyscheme.Scheme.Default(object)
	if template := podTemplate(object); template != nil {
		for _, err := range restrictedViolations(template) {
			report(err)
		}
	}
	internalKind := kind.GroupKind().WithVersion(runtime.APIVersionInternal)
	internal, err := legacyscheme.Scheme.ConvertToVersion(object, internalKind.GroupVersion())
	if err != nil {
		report(err)
		return errs
	}
	invalid, warnings := validate(internal)
	if len(invalid) == 0 {
		invalid = validmeta.ValidateObjectMetaAccessor(meta, true, validmeta.NameIsDNSSubdomain, field.NewPath("metadata"))
	}
	for _, err := range invalid {
		report(err)
	}
	for _, warning := range warnings {
		report(errors.New(warning))
	}
	return errs
}

// validate runs the checks of the API server for a new object. It supports the kinds in deploy/kubernetes.
func validate(object runtime.Object) (invalid field.ErrorList, warnings []string) {
	ctx, spec := context.Background(), field.NewPath("spec")
	switch o := object.(type) {
	case *apps.Deployment:
		return validapps.ValidateDeployment(o, pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)),
			pod.GetWarningsForPodTemplate(ctx, spec.Child("template"), &o.Spec.Template, nil)
	case *batch.Job: // without its selector, which the API server generates
		options := pod.GetValidationOptionsFromPodTemplate(&o.Spec.Template, nil)
		return validbatch.ValidateJobTemplateSpec(&batch.JobTemplateSpec{Spec: o.Spec}, nil, options),
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
	return nil, []string{"unsupported kind: add its validation to tools/manifests/main.go"}
}

// podTemplate returns the pod template of an object, or nil if it has none.
func podTemplate(object runtime.Object) *corev1.PodTemplateSpec {
	switch o := object.(type) {
	case *appsv1.Deployment:
		return &o.Spec.Template
	case *batchv1.Job:
		return &o.Spec.Template
	}
	return nil
}

// restrictedViolations returns the violations of the restricted profile.
func restrictedViolations(template *corev1.PodTemplateSpec) (errs []error) {
	evaluator, err := standards.NewEvaluator(standards.DefaultChecks(), nil)
	if err != nil {
		return []error{err}
	}
	restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, &template.ObjectMeta, &template.Spec) {
		if !result.Allowed {
			err := fmt.Errorf("violates the restricted profile: %s: %s", result.ForbiddenReason, result.ForbiddenDetail)
			errs = append(errs, err)
		}
	}
	return errs
}
