package message

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sendoff/sendoff/internal/accept"
	"github.com/sendoff/sendoff/internal/api/middleware"
	"github.com/sendoff/sendoff/internal/dialect"
	"github.com/sendoff/sendoff/internal/dialect/native"
	"github.com/sendoff/sendoff/internal/dispatch"
)

// Limits of a batch: of its body in bytes, of one message in bytes, of
// messages.
const (
	maxBatchBody = 256 << 20
	maxLine      = 64 << 10
	maxBatch     = 100_000
)

const (
	// batchPage messages are committed together; up to pagesAhead pages are
	// committed while the next one is read.
	batchPage  = 1000
	pageBytes  = 512 << 10 // a page of long messages is shorter
	pagesAhead = 3
	// roomWait is how long a batch waits while the accept queue is full.
	roomWait = 20 * time.Second
)

// Batch accepts up to 100,000 messages in one request, in bounded memory:
// each page is committed as it is read, and only ids and refusals are kept
// until the body ends.
func (h *Handler) Batch(c echo.Context) error {
	r := c.Request()
	if r.ContentLength > maxBatchBody {
		return dispatch.Errorf(dispatch.TooLarge, "the request body is larger than %d bytes", int64(maxBatchBody))
	}
	who := middleware.Caller(c)
	if err := maySend(who); err != nil {
		return h.Limits.SpendRefused(c, who, err)
	}
	if err := h.Limits.SpendRepeat(c, who); err != nil { // the request; its messages are counted as they are read
		return err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return err
	}
	body := &countedReader{r: r.Body, left: maxBatchBody}
	var lines lineReader = &arrayLines{dec: json.NewDecoder(body), body: body}
	ndjson := isNDJSON(r)
	if ndjson {
		lines = newNDJSON(body)
	} else if ct := r.Header.Get(echo.HeaderContentType); !dialect.IsJSON(ct) {
		return dispatch.Errorf(dispatch.UnsupportedMedia, "Content-Type %q is neither application/json nor application/x-ndjson", ct)
	}
	b := &batchRun{h: h, c: c, request: r, key: key, ctx: context.WithoutCancel(r.Context())}
	defer func() { _ = b.out.close() }()
	if err := b.run(lines); err != nil {
		if b.accepted == 0 {
			return err
		}
		b.reject(b.seen, err) // never a 4xx for what is sent
		middleware.Drain(c)
	}
	return b.answer(c, ndjson)
}

// maySend returns a Forbidden error if the key may send nothing: its request is
// not read.
func maySend(who *accept.Caller) (err error) {
	for _, p := range []string{"send_media", "send_template", "send_text"} {
		if err = who.Require(p); err == nil {
			return nil
		}
	}
	return err
}

// isNDJSON reports whether the body has one JSON value per line.
func isNDJSON(r *http.Request) bool {
	mt, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType))
	return mt == "application/x-ndjson" || mt == "application/ndjson" || mt == "application/jsonl"
}

// batchRun is the state of one batch request.
type batchRun struct {
	h        *Handler
	c        echo.Context
	request  *http.Request // its credential is checked again for each page
	key      string        // Idempotency-Key
	ctx      context.Context
	seen     int
	accepted int
	rejected int
	replayed bool
	logged   bool  // an error that clients do not see
	out      spool // one result a line
	line     []byte
}

// page is a part of a batch and, once committed, its receipts.
type page struct {
	who      *accept.Caller
	first    int
	bytes    int
	lines    [][]byte
	errs     []error
	receipts []dispatch.Receipt
	done     chan struct{}
}

// run reads and commits the pages and collects their results in order. If the
// body ends unexpectedly, every message read before is committed: its fate must
// not depend on where a page ends.
func (b *batchRun) run(lines lineReader) error {
	pages := make(chan *page, pagesAhead)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for p := range pages {
			<-p.done
			b.collect(p)
		}
	}()
	err := b.read(lines, pages)
	close(pages)
	<-collected
	return err
}

func (b *batchRun) read(lines lineReader, pages chan<- *page) error {
	p := &page{lines: make([][]byte, 0, batchPage), errs: make([]error, 0, batchPage), done: make(chan struct{})}
	flush := func() {
		if len(p.lines) == 0 {
			return
		}
		full := p
		p = &page{first: b.seen, done: make(chan struct{})}
		pages <- full
		go b.work(full)
	}
	defer flush()
	for {
		line, err := lines.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && err != error(errLong):
			return malformedBatch(err)
		}
		if b.seen == maxBatch {
			return dispatch.Errorf(dispatch.TooLarge, "more than %d messages; the first %d were accepted", maxBatch, maxBatch)
		}
		b.seen++
		p.bytes += len(line)
		p.lines, p.errs = append(p.lines, line), append(p.errs, err)
		if len(p.lines) == batchPage || p.bytes >= pageBytes {
			flush()
		}
	}
}

// work decodes, limits and commits one page. The key is checked again, because a
// batch can take long and the key may be disabled meanwhile. Each message's
// idempotency key is (key, index), so that a repeated message spends no limit.
func (b *batchRun) work(p *page) {
	defer close(p.done)
	drafts, at := b.decode(p)
	var err error
	if p.who, err = b.h.Auth.Recheck(b.ctx, b.request); err != nil {
		for _, i := range at {
			p.receipts[i].Err = err
		}
		return
	}
	drafts, answers, release := b.h.Accept.Hold(b.ctx, p.who, drafts, roomWait)
	defer release()
	drafts, at = b.fresh(p, drafts, at, answers)
	b.spendRejected(p)
	drafts, at, day := b.spend(p, drafts, at)
	unsent := 0
	for k, r := range b.h.Accept.Accept(b.ctx, p.who, drafts, roomWait) {
		p.receipts[at[k]] = r
		if r.Status == dispatch.Simulated || middleware.Refused(r.Err) {
			unsent++
		}
	}
	if unsent > 0 {
		b.h.Limits.ReturnPage(b.ctx, p.who, unsent, day)
	}
}

// decode returns the drafts of the page's lines and their positions in it. A line
// that is not a message gets an error as its receipt.
func (b *batchRun) decode(p *page) (drafts []dispatch.Draft, at []int) {
	p.receipts = make([]dispatch.Receipt, len(p.lines))
	drafts, at = make([]dispatch.Draft, 0, len(p.lines)), make([]int, 0, len(p.lines))
	for i, line := range p.lines {
		err := p.errs[i]
		var d dispatch.Draft
		if err == nil {
			d, err = native.Read(line)
		}
		if err != nil {
			p.receipts[i].Err = cut(err)
			continue
		}
		d.Faults = cutFaults(d.Faults, 0) // a page holds a thousand of them
		d.IdemKey, d.IdemIndex = b.key, p.first+i
		drafts, at = append(drafts, d), append(at, i)
	}
	p.lines = nil
	return drafts, at
}

// fresh returns the drafts that are not repeats and that the key may send.
func (b *batchRun) fresh(p *page, drafts []dispatch.Draft, at []int, answers []*dispatch.Receipt) ([]dispatch.Draft, []int) {
	n := 0
	for k, i := range at {
		if answers[k] != nil {
			p.receipts[i] = *answers[k]
			continue
		}
		if err := p.who.RequireFor(drafts[k : k+1]); err != nil {
			p.receipts[i].Err = err
			continue
		}
		drafts[n], at[n] = drafts[k], i
		n++
	}
	return drafts[:n], at[:n]
}

// spend returns as many drafts as the key's limits allow, and the day that
// counts them; the others get the refusal as their receipt.
func (b *batchRun) spend(p *page, drafts []dispatch.Draft, at []int) ([]dispatch.Draft, []int, int64) {
	if len(drafts) == 0 {
		return drafts, at, 0
	}
	n, day, refusal := b.h.Limits.SpendPage(b.ctx, p.who, len(drafts))
	for _, i := range at[n:] {
		p.receipts[i].Err = refusal
	}
	return drafts[:n], at[:n], day
}

// spendRejected counts the messages of the page that were rejected so far. Those
// beyond the limit get its refusal instead of what is wrong with them.
func (b *batchRun) spendRejected(p *page) {
	var at []int
	for i := range p.receipts {
		if p.receipts[i].Err != nil {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return
	}
	n, refusal := b.h.Limits.SpendRejected(b.ctx, p.who, len(at))
	for _, i := range at[n:] {
		p.receipts[i].Err = refusal
	}
}

// result is the result of one message of a batch.
type result struct {
	Index  int          `json:"index"`
	ID     *dispatch.ID `json:"message_id,omitempty"`
	Status string       `json:"status,omitempty"`
	Error  *lineError   `json:"error,omitempty"`
}

type lineError struct {
	Code   dispatch.Code    `json:"code"`
	Detail string           `json:"detail"`
	Errors []dispatch.Fault `json:"errors,omitempty"`
}

// collect encodes the results of a page.
func (b *batchRun) collect(p *page) {
	for i := range p.receipts {
		r := &p.receipts[i]
		if r.Err != nil {
			b.reject(p.first+i, r.Err)
			continue
		}
		b.accepted++
		b.replayed = b.replayed || r.Replayed
		b.accept(p.first+i, r)
	}
}

// accept writes the id of one message: what result is as JSON, written by hand
// for each of many.
func (b *batchRun) accept(index int, r *dispatch.Receipt) {
	line := append(b.line[:0], `{"index":`...)
	line = strconv.AppendInt(line, int64(index), 10)
	if r.Status != dispatch.Simulated {
		line = append(append(append(line, `,"message_id":"`...), r.ID.String()...), '"')
	}
	line = append(append(append(line, `,"status":"`...), r.Status.String()...), "\"}\n"...)
	b.line = line
	_, _ = b.out.Write(line) // a file that cannot be written fails again when it is read
}

// reject writes the error of one message, or of what broke the batch off.
func (b *batchRun) reject(index int, err error) {
	b.rejected++
	if !b.logged { // one line for all of a batch that met a dead Postgres
		b.logged = middleware.LogInternal(b.c, b.h.Log, err)
	}
	e := dispatch.AsError(cut(err))
	b.write(result{Index: index, Error: &lineError{Code: e.Code, Detail: e.Msg, Errors: e.Faults}})
}

func (b *batchRun) write(r result) {
	enc := json.NewEncoder(&b.out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r) // a file that cannot be written fails again when it is read
}

// answer writes all results, as NDJSON if the request was NDJSON.
func (b *batchRun) answer(c echo.Context, ndjson bool) error {
	out, err := b.out.reader()
	if err != nil {
		return err
	}
	h := c.Response().Header()
	if b.replayed {
		h.Set(replayedHeader, "true")
	}
	if ndjson {
		h.Set(echo.HeaderContentType, "application/x-ndjson")
		c.Response().WriteHeader(http.StatusAccepted)
		_, err := io.Copy(c.Response(), out)
		return err
	}
	h.Set(echo.HeaderContentType, "application/json")
	c.Response().WriteHeader(http.StatusAccepted)
	w := bufio.NewWriter(c.Response())
	head, _ := json.Marshal(map[string]int{"accepted": b.accepted, "rejected": b.rejected})
	_, _ = w.Write(head[:len(head)-1])
	_, _ = w.WriteString(`,"results":[`)
	if err := joined(w, out); err != nil {
		return err
	}
	_, _ = w.WriteString("]}\n")
	return w.Flush()
}
