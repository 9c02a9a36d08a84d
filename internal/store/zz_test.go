package store
import ("testing";"github.com/jmoiron/sqlx";"context";"github.com/sendoff/sendoff/internal/dispatch")
func TestZZ(t *testing.T){ f:=open(t); f.backlog(t,50000)
 _ = f.tx(context.Background(), func(tx *sqlx.Tx) error { var l []string; must(t, tx.Select(&l, `EXPLAIN (ANALYZE, COSTS ON) `+sqlBacklog, int16(dispatch.Normal), 2000)); for _,x:=range l {t.Log(x)}; return nil}) }
