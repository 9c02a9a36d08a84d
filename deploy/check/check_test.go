// Package check builds every overlay of deploy/kubernetes and reads it with the types
// of Kubernetes' API: an unknown field or a value of the wrong type fails.
package check

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

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
			if s == nil || !*s.ReadOnlyRootFilesystem || *s.AllowPrivilegeEscalation {
				t.Errorf("%s is not confined", name)
			} else if !reflect.DeepEqual(s.Capabilities, &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}) {
				t.Errorf("%s has capabilities: %+v", name, s.Capabilities)
			}
			if c.Resources.Limits.Memory().IsZero() || len(c.EnvFrom) == 0 || c.Image == "sendoff" {
				t.Errorf("%s lacks a memory limit, settings or the image's address", name)
			}
		}
	}
}

// settings returns what the processes are configured with.
func settings(t *testing.T, objects map[string]any) map[string]string {
	t.Helper()
	for name, o := range objects {
		if m, ok := o.(*corev1.ConfigMap); ok && strings.HasPrefix(name, "ConfigMap sendoff-") {
			return m.Data
		}
	}
	t.Fatal("no ConfigMap")
	return nil
}

// The most that stopping takes besides SENDOFF_SHUTDOWN_GRACE, which serve has not:
// internal/app's serveStopTime, and leastStep for each of some twenty steps.
const otherSteps = 12 * time.Second

var deployments = []string{"sendoff-serve", "sendoff-work"}

// drain returns how long a process may take to stop.
func drain(t *testing.T, name string, data map[string]string) time.Duration {
	t.Helper()
	if name != "sendoff-work" {
		return otherSteps
	}
	grace, err := time.ParseDuration(data["SENDOFF_SHUTDOWN_GRACE"])
	if err != nil {
		t.Fatal(err)
	}
	return grace + otherSteps
}

// What drains is given the time for it: the Service has taken serve's pod out before
// it stops, and no process is killed before its steps are over.
func TestDeployments_Drain(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/production")
	for _, name := range deployments {
		d, ok := objects["Deployment "+name].(*appsv1.Deployment)
		if !ok {
			t.Fatalf("no %s", name)
		}
		spec := d.Spec.Template.Spec
		need := drain(t, name, settings(t, objects))
		if name == "sendoff-serve" {
			l := spec.Containers[0].Lifecycle
			if l == nil || l.PreStop == nil || l.PreStop.Sleep == nil || l.PreStop.Sleep.Seconds < 5 {
				t.Fatal("serve stops before the Service has taken it out")
			}
			need += time.Duration(l.PreStop.Sleep.Seconds) * time.Second
		}
		if got := spec.TerminationGracePeriodSeconds; got == nil || time.Duration(*got)*time.Second < need {
			t.Errorf("%s is killed before it has drained, which takes up to %v", name, need)
		}
		if _, ok := objects["PodDisruptionBudget "+name].(*policyv1.PodDisruptionBudget); !ok {
			t.Errorf("%s has no disruption budget", name)
		}
	}
}

// Each probe and each scrape goes to a port on which the settings make the process
// listen.
func TestDeployments_ListenWhereTheyAreAsked(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/production")
	data := settings(t, objects)
	for name, keys := range map[string]struct{ port, probes, scrape string }{
		"sendoff-serve": {"http", "SENDOFF_LISTEN", "SENDOFF_METRICS_LISTEN"},
		"sendoff-work":  {"health", "SENDOFF_WORK_LISTEN", "SENDOFF_WORK_LISTEN"},
	} {
		d, _ := objects["Deployment "+name].(*appsv1.Deployment)
		c := d.Spec.Template.Spec.Containers[0]
		ports := map[string]string{}
		for _, p := range c.Ports {
			ports[p.Name] = fmt.Sprintf(":%d", p.ContainerPort)
		}
		if ports[keys.port] == "" || ports[keys.port] != data[keys.probes] {
			t.Errorf("%s: port %s is %q, and %s %q", name, keys.port, ports[keys.port], keys.probes, data[keys.probes])
		}
		if at := ":" + d.Spec.Template.Annotations["prometheus.io/port"]; at != data[keys.scrape] {
			t.Errorf("%s is scraped at %s, and %s is %s", name, at, keys.scrape, data[keys.scrape])
		}
		for path, probe := range map[string]*corev1.Probe{"/readyz": c.ReadinessProbe, "/healthz": c.LivenessProbe} {
			if probe.HTTPGet.Path != path || probe.HTTPGet.Port.String() != keys.port {
				t.Errorf("%s is asked at %s of %s for %s", name, probe.HTTPGet.Path, probe.HTTPGet.Port.String(), path)
			}
		}
	}
}

// Workers are added by the age of what could go now, and their number is set once.
func TestWorkers_ScaleByAge(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/production")
	work, _ := objects["Deployment sendoff-work"].(*appsv1.Deployment)
	scaler, ok := objects["HorizontalPodAutoscaler sendoff-work"].(*autoscalingv2.HorizontalPodAutoscaler)
	if !ok || work.Spec.Replicas != nil {
		t.Fatal("the number of workers is set twice, or by nobody")
	}
	if m := scaler.Spec.Metrics[0].External.Metric.Name; m != "sendoff_dispatchable_oldest_seconds" {
		t.Errorf("workers are scaled on %s", m)
	}
}
