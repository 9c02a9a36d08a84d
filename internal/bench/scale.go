package bench

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"github.com/sendoff/sendoff/internal/devstack"
)

// measureScale drains a backlog with two and four workers, and accepts through
// two front doors, each a process of its own. On a machine whose CPUs are busy
// already, more processes must not make it slower.
func measureScale(ctx context.Context, s *stage) error {
	alone, err := s.drainWith(ctx, 1)
	if err != nil {
		return err
	}
	for _, n := range []int{2, 4} {
		rate, err := s.drainWith(ctx, n)
		if err != nil {
			return err
		}
		s.add(Figure{
			Name: fmt.Sprintf("%d workers", n), How: "backlog, provider with 0 ms", Raw: alone, RawIs: "one worker", Value: rate, Unit: "messages/s",
			Must: "0.9 x", Reach: rate >= .9*alone,
		})
	}
	return s.twoDoors(ctx)
}

// drainWith measures how fast n workers drain a backlog.
func (s *stage) drainWith(ctx context.Context, n int) (float64, error) {
	s.stopWork()
	waiting, err := s.backlog(ctx, s.channels[0].ID, "normal", s.pick(20_000, 100_000))
	if err != nil {
		return 0, err
	}
	return s.drainRate(ctx, waiting, n)
}

// twoDoors measures accept through two front doors against one.
func (s *stage) twoDoors(ctx context.Context) error {
	s.stopWork()
	base, cmd, err := s.secondDoor(ctx)
	if err != nil {
		return err
	}
	defer s.end(cmd)
	d := s.seconds(2, 10)
	one, err := s.shootMessages(ctx, 64, d, s.base)
	if err != nil {
		return err
	}
	two, err := s.shootMessages(ctx, 64, d, s.base, base)
	if err != nil {
		return err
	}
	s.add(Figure{
		Name: "2 front doors", How: "one message a request, 64 connections", Raw: one.rate(), RawIs: "one front door", Value: two.rate(),
		Unit: "messages/s", Must: "0.9 x", Reach: two.rate() >= .9*one.rate(), Detail: "p99 " + ms(two.p(.99)),
	})
	return s.drainAfter(ctx)
}

// secondDoor starts another front door.
func (s *stage) secondDoor(ctx context.Context) (base string, cmd *exec.Cmd, err error) {
	addr, err := devstack.FreeAddress()
	if err != nil {
		return "", nil, err
	}
	was := s.env
	defer func() { s.env = was }()
	s.env = make([]string, 0, len(was))
	for _, v := range was {
		if strings.HasPrefix(v, "SENDOFF_LISTEN=") {
			v = "SENDOFF_LISTEN=" + addr
		}
		s.env = append(s.env, v)
	}
	if cmd, err = s.spawn("serve"); err != nil {
		return "", nil, err
	}
	return "http://" + addr, cmd, s.ready(ctx, "http://"+addr)
}
