package worker

import "sync"

// pool runs calls on goroutines that have run calls before: their stacks have
// grown already, which for a new goroutine costs a tenth of the call.
type pool struct {
	work chan func()
	idle chan struct{} // holds one value for each goroutine that waits for work
	end  sync.Once
}

// maxIdle is the number of idle goroutines that are kept, about 16 KiB each.
const maxIdle = 512

func newPool() *pool {
	return &pool{work: make(chan func()), idle: make(chan struct{}, maxIdle)}
}

// run starts f and returns at once.
func (p *pool) run(f func()) {
	select {
	case p.work <- f:
	default:
		go p.serve(f)
	}
}

func (p *pool) serve(f func()) {
	for {
		f()
		select {
		case p.idle <- struct{}{}:
		default:
			return // enough others wait
		}
		var more bool
		f, more = <-p.work
		<-p.idle
		if !more {
			return
		}
	}
}

// close ends the idle goroutines; run must not be called any more.
func (p *pool) close() { p.end.Do(func() { close(p.work) }) }
