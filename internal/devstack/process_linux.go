package devstack

import "syscall"

// setOrphanSignal has the kernel send sig to the child when we die, even by
// kill -9.
func setOrphanSignal(a *syscall.SysProcAttr, sig syscall.Signal) { a.Pdeathsig = sig }
