package pg

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bare matches a digit where a statement compares or sets a status, a state, a
// kind, an outcome or a lane, and numbers of kinds between the values of a row.
var bare = regexp.MustCompile(`\b((d_)?state|status|now_status|was|was_by|pos|kind|outcome|charged|final_by|lane) *(=|<>|<=|>=|<|>) *\d` +
	`|\b(state|status|was|kind|outcome|lane) (NOT )?IN \(\d|\bkind BETWEEN \d|\b(THEN|ELSE) (10|[3-6]\d|10\d)\b|, (10[1-6]|[36]\d), ` +
	`(version|')`)

// Statuses, states, kinds and outcomes stand in statements under the names of
// their Go constants.
func TestStatements_HaveNoBareNumbers(t *testing.T) {
	t.Parallel()
	read := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && strings.HasPrefix(l.Value, "`") {
				read++
				if hit := bare.FindString(l.Value); hit != "" {
					t.Errorf("%s: %q has a number without a name", files.Position(l.Pos()), hit)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || read < 100 {
		t.Fatalf("read %d texts: %v", read, err)
	}
}

// A rule that nothing can break holds nothing.
func TestBare_FindsNumbers(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{
		"WHERE m.status = 30", "WHERE state IN (0, 3)", "SET state = 1", "kind BETWEEN 30 AND 63", "CASE WHEN x THEN 60 END",
		"SELECT id, 105, version", "lane IN (0, 1)",
		"WHERE was < 30", "d_state = 1",
	} {
		if !bare.MatchString(sql) {
			t.Errorf("%s passes", sql)
		}
	}
	for _, sql := range []string{
		"WHERE status = {sent}", "LIMIT 30", "state = $1", "interval '30 seconds'",
		"attempts = 0", "coalesce(n, 0)",
	} {
		if hit := bare.FindString(sql); hit != "" {
			t.Errorf("%s: finds %s", sql, hit)
		}
	}
}

func TestNumbers_SQL(t *testing.T) {
	t.Parallel()
	n := Numbers{"ready": 0, "held": 3}
	if got, want := n.SQL(`state IN ({ready}, {held}) AND x = '{}' AND y ~ '[0-9]{6}'`),
		`state IN (0, 3) AND x = '{}' AND y ~ '[0-9]{6}'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for name, f := range map[string]func(){
		"an unknown name": func() { n.SQL("{redy}") },
		"a name twice":    func() { n.Merge(Numbers{"held": 4}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s passes", name)
				}
			}()
			f()
		}()
	}
}
