//go:build !unix

package outbound

type liveness struct{}

func (c *conn) prepareAlive() {}

// alive can't be known here: no connection is used twice.
func (c *conn) alive() bool { return false }
