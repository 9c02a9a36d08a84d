//go:build !linux

package drill

import "syscall"

// dieWithUs needs Linux; elsewhere a killed test leaves its processes.
func dieWithUs(*syscall.SysProcAttr) {}
