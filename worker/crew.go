package worker

// crew runs calls on goroutines that have run calls before: theirs is a stack
// that has grown already, which for a new one costs a tenth of the call.
type crew struct {
	work chan func()
	idle chan struct{} // a place for each goroutine that waits for work
}

// maxIdle is how many goroutines are kept, about 16 KiB each.
const maxIdle = 512

func newCrew() *crew {
	return &crew{work: make(chan func()), idle: make(chan struct{}, maxIdle)}
}

// run starts f and returns at once.
func (c *crew) run(f func()) {
	select {
	case c.work <- f:
	default:
		go c.serve(f)
	}
}

func (c *crew) serve(f func()) {
	for {
		f()
		select {
		case c.idle <- struct{}{}:
		default:
			return // enough others wait
		}
		var more bool
		f, more = <-c.work
		<-c.idle
		if !more {
			return
		}
	}
}

// dismiss ends the goroutines that wait; nothing may be run any more.
func (c *crew) dismiss() { close(c.work) }
