// Package check builds every overlay of deploy/kubernetes and reads it with the types
// of Kubernetes' API: an unknown field or a value of the wrong type fails.
package check

import (
	"fmt"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// kinds has an empty value of each kind that the manifests use.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return &appsv1.Deployment{} },
	"batch/v1 Job":                           func() any { return &batchv1.Job{} },
	"v1 Service":                             func() any { return &corev1.Service{} },
	"v1 ConfigMap":                           func() any { return &corev1.ConfigMap{} },
	"policy/v1 PodDisruptionBudget":          func() any { return &policyv1.PodDisruptionBudget{} },
	"networking.k8s.io/v1 Ingress":           func() any { return &networkingv1.Ingress{} },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return &autoscalingv2.HorizontalPodAutoscaler{} },
}

// build returns the objects of an overlay by kind and name.
func build(t *testing.T, overlay string) map[string]any {
	t.Helper()
	dir := filepath.Join("..", "kubernetes", filepath.FromSlash(overlay))
	found, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, r := range found.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		kind := fmt.Sprint(r.GetApiVersion(), " ", r.GetKind())
		empty := kinds[kind]
		if empty == nil {
			t.Errorf("%s has a kind that is not checked: %s", overlay, kind)
			continue
		}
		v := empty()
		if err := yaml.UnmarshalStrict(text, v); err != nil {
			t.Errorf("%s: %s %s: %v", overlay, kind, r.GetName(), err)
		}
		out[r.GetKind()+" "+r.GetName()] = v
	}
	return out
}

// Every overlay builds, and its objects hold no unknown field.
func TestOverlays_Build(t *testing.T) {
	t.Parallel()
	for _, overlay := range []string{"base", "overlays/small", "overlays/production"} {
		if n := len(build(t, overlay)); n < 6 {
			t.Errorf("%s has %d objects", overlay, n)
		}
	}
}

// No container may write to its root, gain rights or run as root, and each has a
// memory limit and the settings.
func TestContainers_AreConfined(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/production")
	specs := map[string]corev1.PodSpec{}
	for name, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			specs[name] = o.Spec.Template.Spec
		case *batchv1.Job:
			specs[name] = o.Spec.Template.Spec
		}
	}
	if len(specs) != 3 {
		t.Fatalf("%d sorts of pods", len(specs))
	}
	for name, spec := range specs {
		if spec.SecurityContext == nil || spec.SecurityContext.RunAsNonRoot == nil || !*spec.SecurityContext.RunAsNonRoot {
			t.Errorf("%s may run as root", name)
		}
		for _, c := range spec.Containers {
			s := c.SecurityContext
			if s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation || len(s.Capabilities.Drop) != 1 {
				t.Errorf("%s is not confined", name)
			}
			if c.Resources.Limits.Memory().IsZero() || len(c.EnvFrom) == 0 || c.Image == "sendoff" {
				t.Errorf("%s lacks a memory limit, settings or the image's address", name)
			}
		}
	}
}

// What drains is given the time for it: serve and work stop within
// SENDOFF_SHUTDOWN_GRACE, and probes do not depend on what may be away.
func TestDeployments_DrainAndProbe(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/production")
	for _, name := range []string{"sendoff-serve", "sendoff-work"} {
		d, ok := objects["Deployment "+name].(*appsv1.Deployment)
		if !ok {
			t.Fatalf("no %s", name)
		}
		spec := d.Spec.Template.Spec
		if grace := spec.TerminationGracePeriodSeconds; grace == nil || *grace < 35 {
			t.Errorf("%s is killed before it has drained", name)
		}
		c := spec.Containers[0]
		if c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" {
			t.Errorf("%s is probed at %s and %s", name, c.ReadinessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path)
		}
		if _, ok := objects["PodDisruptionBudget "+name].(*policyv1.PodDisruptionBudget); !ok {
			t.Errorf("%s has no disruption budget", name)
		}
	}
	work, _ := objects["Deployment sendoff-work"].(*appsv1.Deployment)
	scaler, ok := objects["HorizontalPodAutoscaler sendoff-work"].(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok || work.Spec.Replicas != nil {
		t.Fatal("the number of workers is set twice, or by nobody")
	}
	if m := scaler.Spec.Metrics[0].External.Metric.Name; m != "sendoff_dispatchable_oldest_seconds" {
		t.Errorf("workers are scaled on %s", m)
	}
}
