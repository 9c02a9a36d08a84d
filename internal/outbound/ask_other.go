//go:build !unix

package outbound

// asking can't be done here: nothing is held.
type asking struct {
	holding bool
	out     []byte
}

func (c *countedConn) prepareAsking() {}

func (c *countedConn) asks() bool { return false }

func (c *countedConn) hold(bool) {}

func (c *countedConn) keep([]byte) bool { return false }
