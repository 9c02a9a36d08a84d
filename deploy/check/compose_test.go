package check

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

// composeFile is the part of compose.yaml that is looked at.
type composeFile struct {
	Services map[string]struct {
		Grace       string            `json:"stop_grace_period"`
		Environment map[string]string `json:"environment"`
		Volumes     []string          `json:"volumes"`
	} `json:"services"`
}

func compose(t *testing.T) (file composeFile) {
	t.Helper()
	read(t, "compose.yaml", &file)
	return file
}

// read reads a YAML file of the repository.
func read(t *testing.T, path string, into any) (text string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(path)))
	if err == nil {
		err = yaml.Unmarshal(raw, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return string(raw)
}

// compose.yaml gives its services the time that the manifests give.
func TestCompose_Drains(t *testing.T) {
	t.Parallel()
	for _, name := range deployments {
		got, err := time.ParseDuration(compose(t).Services[strings.TrimPrefix(name, "sendoff-")].Grace)
		if need := drain(t, name, map[string]string{"SENDOFF_SHUTDOWN_GRACE": "25s"}); err != nil || got < need {
			t.Errorf("%s has %v to stop, not %v: %v", name, got, need, err)
		}
	}
}

// Prometheus scrapes the services where they serve their metrics, under the names
// that the alert rules use; what compose.yaml mounts is there.
func TestCompose_IsMonitored(t *testing.T) {
	t.Parallel()
	var prometheus struct {
		Scrapes []struct {
			Job string `json:"job_name"`
			DNS []struct {
				Names []string `json:"names"`
				Port  int      `json:"port"`
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}
	read(t, "deploy/compose/prometheus.yaml", &prometheus)
	rules := read(t, "deploy/alerts/sendoff.yaml", &struct{}{})
	services, jobs := compose(t).Services, map[string]bool{}
	for _, s := range prometheus.Scrapes {
		jobs[s.Job] = true
		name := s.DNS[0].Names[0]
		key := map[string]string{"serve": "SENDOFF_METRICS_LISTEN", "work": "SENDOFF_WORK_LISTEN"}[name]
		if at := services[name].Environment[key]; s.Job != "sendoff-"+name || at != fmt.Sprintf(":%d", s.DNS[0].Port) {
			t.Errorf("%s scrapes %s at :%d, which listens at %q", s.Job, name, s.DNS[0].Port, at)
		}
	}
	for _, m := range regexp.MustCompile(`job="([^"]+)"`).FindAllStringSubmatch(rules, -1) {
		if !jobs[m[1]] {
			t.Errorf("the rules ask for the job %s", m[1])
		}
	}
	if len(jobs) != 2 {
		t.Errorf("%d jobs", len(jobs))
	}
	for name, s := range services {
		for _, v := range s.Volumes {
			if path, _, _ := strings.Cut(v, ":"); strings.HasPrefix(path, "./") {
				if _, err := os.Stat(filepath.Join("..", "..", path)); err != nil {
					t.Errorf("%s mounts what is not there: %v", name, err)
				}
			}
		}
	}
}
