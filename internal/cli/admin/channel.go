package admin

import (
	"strconv"

	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/store/account"
)

// Channel is the command of that name.
type Channel struct {
	Create  channelCreate  `cmd:"" help:"Make a channel of a provider."`
	List    channelList    `cmd:"" help:"List channels and their circuits."`
	Show    channelShow    `cmd:"" help:"Show one channel."`
	Update  channelUpdate  `cmd:"" help:"Change a channel: name, sender, rate, prices, settings, credentials."`
	Disable channelDisable `cmd:"" help:"Accept nothing more for a channel; what is waiting waits on."`
	Enable  channelEnable  `cmd:"" help:"Use a disabled channel again."`
	Delete  channelDelete  `cmd:"" help:"Remove a channel that no unfinished message needs."`
	Pause   channelPause   `cmd:"" help:"Accept messages and send none until the channel is resumed."`
	Resume  channelResume  `cmd:"" help:"Send again after a pause or after trouble."`
	Check   channelCheck   `cmd:"" help:"Ask the provider whether the credentials work."`
}

// channelRef names a channel of the account.
type channelRef struct {
	flags
	Ref string `arg:"" name:"channel" help:"Id or key (sendoff channel list)."`
}

// with opens the database and reads the channel.
func (c *channelRef) with(e *console.Env, f func(*session, dispatch.Channel) error) error {
	return c.sealed(e, func(s *session) error {
		ch, err := s.channel(c.Ref)
		if err != nil {
			return err
		}
		return f(s, ch)
	})
}

// channel reads a channel of the account by id or key.
func (s *session) channel(ref string) (dispatch.Channel, error) {
	read := func() (dispatch.Channel, error) { return s.ChannelByKey(s.env.Ctx, ref) }
	if n, err := strconv.ParseInt(ref, 10, 64); err == nil {
		read = func() (dispatch.Channel, error) { return s.Channel(s.env.Ctx, n) }
	}
	ch, err := read()
	if err == nil && ch.Account != s.account.ID {
		err = &dispatch.Error{Code: dispatch.NotFound}
	}
	if err != nil {
		return ch, s.missing(err, "channel", ref)
	}
	return ch, nil
}

type channelList struct{ flags }

// Run lists channels.
func (c *channelList) Run(e *console.Env) error {
	return c.sealed(e, func(s *session) error {
		chs, err := s.Channels(e.Ctx, s.account.ID)
		if err != nil {
			return err
		}
		views, rows := []channelView{}, [][]string{}
		for i := range chs {
			h, err := s.circuits().ChannelHealth(e.Ctx, chs[i].ID)
			if err != nil {
				return err
			}
			v := newChannelView(&chs[i], h)
			views = append(views, v)
			rows = append(rows, []string{id(v.ID), v.Key, v.Provider, v.Kind, v.Sender, yesNo(v.Default), yesNo(v.Enabled), v.Circuit.State, v.Name})
		}
		return s.table(views, "ID KEY PROVIDER KIND SENDER DEFAULT ENABLED CIRCUIT NAME", rows)
	})
}

type (
	channelDisable struct{ channelRef }
	channelEnable  struct{ channelRef }
)

// Run stops a channel from being used.
func (c *channelDisable) Run(e *console.Env) error { return c.enable(e, false, "disable") }

// Run lets a channel be used again.
func (c *channelEnable) Run(e *console.Env) error { return c.enable(e, true, "enable") }

func (c *channelRef) enable(e *console.Env, on bool, action string) error {
	return c.change(e, action, func(s *session, ch *dispatch.Channel) (_ any, word string, err error) {
		ch.Enabled = on
		*ch, err = s.UpdateChannel(e.Ctx, *ch)
		return nil, action + "d", err
	})
}

// change alters the channel, and says what it is then.
func (c *channelRef) change(e *console.Env, action string, f func(*session, *dispatch.Channel) (detail any, word string, err error)) error {
	return c.sealed(e, func(s *session) error {
		var ch dispatch.Channel
		var word string
		if err := s.change(func(s *session) (n account.Note, err error) {
			if ch, err = s.channel(c.Ref); err != nil {
				return n, err
			}
			n = note(action, "channel", ch.ID, nil)
			n.Detail, word, err = f(s, &ch)
			return n, err
		}); err != nil {
			return err
		}
		h, err := s.circuits().ChannelHealth(e.Ctx, ch.ID)
		if err != nil {
			return err
		}
		return s.say(newChannelView(&ch, h), "channel %d (%s) is %s", ch.ID, ch.Name, word)
	})
}

type channelDelete struct {
	channelRef
	Yes bool `help:"Really do it: settings, credentials and templates of the channel are gone."`
}

// Run removes a channel.
func (c *channelDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "settings, credentials and templates of channel "+c.Ref+" would be gone"); err != nil {
		return err
	}
	return c.with(e, func(s *session, ch dispatch.Channel) error {
		if err := s.change(func(s *session) (account.Note, error) {
			return note("delete", "channel", ch.ID, map[string]any{"key": ch.Key, "name": ch.Name}), s.DeleteChannel(e.Ctx, s.account.ID, ch.ID)
		}); err != nil {
			return err
		}
		return s.say(map[string]any{"id": ch.ID, "deleted": true}, "channel %d (%s) is deleted", ch.ID, ch.Name)
	})
}

type channelPause struct {
	channelRef
	Reason string `default:"paused by hand" help:"Why, for those who look at it."`
}

// Run stops a channel's messages.
func (c *channelPause) Run(e *console.Env) error {
	return c.change(e, "pause", func(s *session, ch *dispatch.Channel) (any, string, error) {
		return map[string]any{"reason": c.Reason}, "paused; its messages wait until: sendoff channel resume " + id(ch.ID), s.circuits().PauseChannel(e.Ctx, ch.ID, c.Reason)
	})
}

type channelResume struct{ channelRef }

// Run lets a channel's messages go again.
func (c *channelResume) Run(e *console.Env) error {
	return c.change(e, "resume", func(s *session, ch *dispatch.Channel) (any, string, error) {
		return nil, "sending again", s.circuits().CloseCircuit(e.Ctx, ch.ID, true)
	})
}
