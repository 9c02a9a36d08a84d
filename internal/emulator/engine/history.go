package engine

import "sync"

// maxHistory is how many accepted sends can be asked about.
const maxHistory = 200_000

// history is the accepted sends of the providers that can be asked about them.
type history struct {
	mu    sync.Mutex
	limit int
	queue []*Send // oldest first from head on
	head  int
	byID  map[string]*Send
	byTo  map[uint64][]*Send
}

func newHistory(limit int) *history {
	return &history{limit: limit, byID: make(map[string]*Send), byTo: make(map[uint64][]*Send)}
}

func (h *history) add(m *Send) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.queue = append(h.queue, m)
	h.byID[m.ID] = m
	to := Number(m.To)
	h.byTo[to] = append(h.byTo[to], m)
	if len(h.queue)-h.head > h.limit {
		h.forget()
	}
}

// forget drops the oldest.
func (h *history) forget() {
	m := h.queue[h.head]
	h.queue[h.head] = nil
	h.head++
	if h.head > h.limit {
		h.queue, h.head = append([]*Send(nil), h.queue[h.head:]...), 0
	}
	delete(h.byID, m.ID)
	to := Number(m.To)
	if rest := h.byTo[to][1:]; len(rest) > 0 { // each list is oldest first, too
		h.byTo[to] = rest
	} else {
		delete(h.byTo, to)
	}
}

// get finds an accepted send by its id, or nil.
func (h *history) get(id string) *Send {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.byID[id]
}

// to lists the accepted sends to a recipient (E.164), newest first.
func (h *history) to(to string) []*Send {
	h.mu.Lock()
	defer h.mu.Unlock()
	ms := h.byTo[Number(to)]
	out := make([]*Send, len(ms))
	for i, m := range ms {
		out[len(ms)-1-i] = m
	}
	return out
}
