package devstack

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are taken below the range that the kernel uses for outgoing
// connections (Linux from 32768, macOS from 49152): while a server restarts,
// its port must not be lent to a client, least of all to one that is trying to
// connect to that very port and would then be talking to itself.
const (
	firstPort = 15000
	lastPort  = 32000
)

// FreeAddress returns a loopback address without a listener, for a server
// that is started, and perhaps started again, by its address.
func FreeAddress() (string, error) {
	port, err := freePort()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), err
}

// freePort returns a loopback port without a listener. It can be taken by
// another before our server has it, so a start tries several.
func freePort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			return 0, err
		}
		return port, nil
	}
	return 0, errors.New("find a free port on 127.0.0.1: 100 were taken")
}
