package drill

import "syscall"

// dieWithUs has the kernel kill the child when the test is killed.
func dieWithUs(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
