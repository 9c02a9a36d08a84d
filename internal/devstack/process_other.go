//go:build !linux

package devstack

import "syscall"

// setOrphanSignal does nothing where the kernel has no parent-death signal:
// the next start ends what was left over.
func setOrphanSignal(*syscall.SysProcAttr, syscall.Signal) {}
