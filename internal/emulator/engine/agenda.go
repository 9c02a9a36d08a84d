package engine

// job is a callback to come: a step of a message's plan, or a delivery that is
// made again.
type job struct {
	due  int64 // Unix nanoseconds
	m    *Send
	d    *delivery
	step uint8
}

// agenda is a heap of jobs, earliest first. container/heap would box every job.
type agenda []job

func (a *agenda) push(j job) {
	h := append(*a, j)
	i := len(h) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if h[parent].due <= h[i].due {
			break
		}
		h[parent], h[i] = h[i], h[parent]
		i = parent
	}
	*a = h
}

// pop removes the earliest.
func (a *agenda) pop() {
	h := *a
	n := len(h) - 1
	h[0], h[n] = h[n], job{}
	h = h[:n]
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < n; c++ {
			if h[c].due < h[least].due {
				least = c
			}
		}
		if least == i {
			break
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
	*a = h
}
