package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/pg"
)

// NewID returns the id of a message of a row: it ends with the row's number, so that the row is found by the primary key
// and no index changes when it gets its message.
func NewID(seq int) dispatch.ID {
	id := dispatch.NewID()
	binary.BigEndian.PutUint32(id[12:], uint32(seq))
	return id
}

// SeqOf is the number of a message's row in a statement. The ids of messages of the binary before end with anything;
// campaign_messages has the numbers of their rows.
func SeqOf(campaign, message string) string {
	return `coalesce((SELECT x.seq FROM campaign_messages x WHERE x.campaign_id = ` + campaign + ` AND x.message_id = ` + message +
		`), ledger_seq(` + message + `))`
}

// Named are messages and the numbers of their rows.
type Named struct {
	refs []Ref // in the order in which their rows are locked
	seqs []int64
}

// Name returns messages, each once, with the numbers that their ids end with.
func Name(refs []Ref) *Named {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, Ref.compare)
	n := &Named{refs: slices.Compact(refs)}
	n.seqs = make([]int64, len(n.refs))
	for i := range n.refs {
		n.seqs[i] = int64(int32(binary.BigEndian.Uint32(n.refs[i].Message[12:])))
	}
	return n
}

func (r Ref) compare(o Ref) int {
	return cmp.Or(cmp.Compare(r.Campaign, o.Campaign), bytes.Compare(r.Message[:], o.Message[:]))
}

// Args returns the campaigns, the messages and the numbers of their rows as arrays.
func (n *Named) Args() []any {
	ids, messages := make([]int64, len(n.refs)), make([]dispatch.ID, len(n.refs))
	for i, r := range n.refs {
		ids[i], messages[i] = r.Campaign, r.Message
	}
	return []any{pq.Array(ids), pg.UUIDArray(messages), pq.Array(n.seqs)}
}

// Micros returns the times of the messages as an array, in microseconds.
func (n *Named) Micros(times map[Ref]time.Time) []int64 {
	out := make([]int64, len(n.refs))
	for i, r := range n.refs {
		out[i] = times[r].UnixMicro()
	}
	return out
}

// Find runs look, which looks for the rows of the messages and returns how many it has found. If
// some are missing and others than their ids tell are theirs, it runs look again.
func (n *Named) Find(ctx context.Context, db *pg.DB, look func() (int, error)) error {
	found, err := look()
	if err != nil || found == len(n.refs) {
		return err
	}
	others, err := n.correct(ctx, db)
	if err == nil && others {
		_, err = look()
	}
	return err
}

const sqlOthers = `
SELECT i.n, x.seq FROM unnest($1::bigint[], $2::uuid[], $3::integer[]) WITH ORDINALITY AS i(campaign_id, message_id, seq, n)
CROSS JOIN LATERAL (SELECT x.seq FROM campaign_messages x WHERE x.campaign_id = i.campaign_id AND x.message_id = i.message_id OFFSET 0) x
WHERE x.seq <> i.seq`

// correct sets the numbers of rows that the ids of their messages do not end with, and reports whether there are any.
func (n *Named) correct(ctx context.Context, db *pg.DB) (bool, error) {
	var others []struct {
		N   int   `db:"n"`
		Seq int64 `db:"seq"`
	}
	if err := db.SelectContext(ctx, &others, sqlOthers, n.Args()...); err != nil {
		return false, pg.Wrap("look for rows of messages", err)
	}
	for _, o := range others {
		n.seqs[o.N-1] = o.Seq
	}
	return len(others) > 0, nil
}
