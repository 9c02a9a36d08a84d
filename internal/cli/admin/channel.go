package admin

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/admin"
	"github.com/sendoff/sendoff/internal/cli/console"
	"github.com/sendoff/sendoff/internal/config"
)

// Channel are the commands for channels.
type Channel struct {
	Create  channelCreate  `cmd:"" help:"Create a channel at a provider."`
	List    channelList    `cmd:"" help:"List channels and their circuits."`
	Show    channelShow    `cmd:"" help:"Show a channel."`
	Update  channelUpdate  `cmd:"" help:"Update a channel: name, sender, rate, prices, settings, credentials."`
	Disable channelDisable `cmd:"" help:"Accept no more messages for a channel. Messages that were accepted wait."`
	Enable  channelEnable  `cmd:"" help:"Use a disabled channel again."`
	Delete  channelDelete  `cmd:"" help:"Delete a channel without unfinished messages."`
	Pause   channelPause   `cmd:"" help:"Accept messages and send none until the channel is resumed."`
	Resume  channelResume  `cmd:"" help:"Send again after a pause, or after failures have opened the circuit."`
	Check   channelCheck   `cmd:"" help:"Ask the provider whether the credentials work."`
}

// public is where providers reach the API.
type public struct {
	PublicURL string          `name:"public-url" env:"SENDOFF_PUBLIC_URL" help:"${config_publicurl}" placeholder:"URL"`
	Listen    config.HostPort `env:"SENDOFF_LISTEN" default:"127.0.0.1:8080" hidden:""`
}

func (p *public) address() string {
	c := config.Config{PublicURL: p.PublicURL}
	return c.Public(string(p.Listen))
}

// channelFlags are those of commands that work on channels: they read
// credentials and print callback addresses.
type channelFlags struct {
	flags
	public

	ProviderAllow config.Networks `env:"SENDOFF_PROVIDER_ALLOW" help:"${config_providerallow}" placeholder:"NETWORKS"`
}

// with runs f with the database and the account.
func (c *channelFlags) with(e *console.Env, f func(*session) error) error {
	if err := c.sealed(); err != nil {
		return err
	}
	return c.withAt(e, c.address(), c.ProviderAllow, f)
}

// channelRef names a channel.
type channelRef struct {
	channelFlags
	Ref string `arg:"" name:"channel" help:"Id or key (sendoff channel list)."`
}

// with runs f with the id of the channel.
func (c *channelRef) with(e *console.Env, f func(*session, int64) error) error {
	return c.channelFlags.with(e, func(s *session) error {
		n, err := s.channelID(c.Ref)
		if err != nil {
			return err
		}
		return f(s, n)
	})
}

// channelID returns the id of the channel with an id or key.
func (s *session) channelID(ref string) (int64, error) {
	n, err := s.FindChannel(s.ctx(), s.who, ref)
	return n, s.missing(err, "channel", ref)
}

// run prints the channel that f returns.
func (c *channelRef) run(e *console.Env, word string, f func(*session, int64) (*admin.Channel, error)) error {
	return c.with(e, func(s *session, n int64) error {
		ch, err := f(s, n)
		if err != nil {
			return err
		}
		return s.print(ch, "channel %d (%s) is %s", ch.ID, ch.Name, word)
	})
}

type channelList struct{ channelFlags }

// Run lists channels.
func (c *channelList) Run(e *console.Env) error {
	return c.with(e, func(s *session) error {
		all, err := s.Channels(e.Ctx, s.who, admin.Paging{})
		if err != nil {
			return err
		}
		rows := [][]string{}
		for _, v := range all.Data {
			rows = append(rows, []string{id(v.ID), v.Key, v.Provider, v.Kind, v.Sender, yesNo(v.Default), yesNo(v.Enabled), v.Health.State, v.Name})
		}
		return s.table(all, "ID KEY PROVIDER KIND SENDER DEFAULT ENABLED CIRCUIT NAME", rows)
	})
}

type channelShow struct {
	channelRef
	Reveal bool `help:"${admin_channelshow_reveal}"`
}

// Run shows a channel.
func (c *channelShow) Run(e *console.Env) error {
	return c.with(e, func(s *session, n int64) error {
		read := s.Channel
		if c.Reveal {
			read = s.RevealChannel
		}
		ch, err := read(e.Ctx, s.who, n)
		if err != nil {
			return err
		}
		return s.table(ch, "", channelRows(ch))
	})
}

func channelRows(v *admin.Channel) [][]string {
	circuit := v.Health.State
	if v.Health.Reason != "" {
		circuit += ": " + v.Health.Reason
	}
	p := &v.Policy
	rows := [][]string{
		{"id", id(v.ID)},
		{"key", v.Key},
		{"name", v.Name},
		{"provider", v.Provider + ", " + v.Kind},
		{"sender", v.Sender},
		{"default", yesNo(v.Default)},
		{"enabled", yesNo(v.Enabled)},
		{"circuit", circuit},
		{"window", v.Window},
	}
	for _, r := range v.Health.Reports {
		rows = append(rows, []string{"reported " + r.Subject, strings.TrimSpace(fmt.Sprintf("%s (%s) %s", r.Value, r.Level, r.Detail))})
	}
	for _, name := range slices.Sorted(maps.Keys(v.Settings)) {
		rows = append(rows, []string{"setting " + name, v.Settings[name]})
	}
	w, u := p.ResolveWindow, p.UnknownRetries
	rows = append(rows, [][]string{
		{"secrets", strings.Join(v.Secrets, ", ")},
		{"rate", fmt.Sprintf("%g messages per second, %d concurrent calls", p.Rate, p.Concurrency)},
		{"recipient spacing", fmt.Sprintf("%g s", p.RecipientSpacing)},
		{"retries", fmt.Sprintf("%d attempts, %g s to %g s apart", p.MaxAttempts, p.BackoffBase, p.BackoffCap)},
		{"unknown outcomes", fmt.Sprintf("wait %g, %g, %g s, then up to %d, %d, %d more attempts (otp, normal, bulk)",
			w.OTP, w.Normal, w.Bulk, u.OTP, u.Normal, u.Bulk)},
	}...)
	for _, category := range slices.Sorted(maps.Keys(p.Price)) {
		rows = append(rows, []string{"price " + category, p.Price[category].String()})
	}
	if p.MessagingLimit != 0 {
		rows = append(rows, []string{"messaging limit", fmt.Sprintf("%d users in 24 h, %g of it kept from campaigns",
			p.MessagingLimit, p.MessagingReserve)})
	}
	rows = append(rows, []string{"callback address", v.CallbackURL})
	if v.VerifyToken != "" {
		rows = append(rows, []string{"verify token", v.VerifyToken})
	}
	return rows
}

type (
	channelDisable struct{ channelRef }
	channelEnable  struct{ channelRef }
)

// Run disables a channel.
func (c *channelDisable) Run(e *console.Env) error { return c.enable(e, false, "disabled") }

// Run enables a channel.
func (c *channelEnable) Run(e *console.Env) error { return c.enable(e, true, "enabled") }

func (c *channelRef) enable(e *console.Env, on bool, word string) error {
	return c.run(e, word, func(s *session, n int64) (*admin.Channel, error) {
		return s.UpdateChannel(e.Ctx, s.who, n, admin.ChannelUpdate{ChannelFields: admin.ChannelFields{Enabled: &on}})
	})
}

type channelDelete struct {
	channelRef
	Yes bool `help:"Confirm: settings, credentials and templates of the channel are deleted."`
}

// Run deletes a channel.
func (c *channelDelete) Run(e *console.Env) error {
	if err := confirmed(c.Yes, "settings, credentials and templates of channel "+c.Ref+" would be deleted"); err != nil {
		return err
	}
	return c.with(e, func(s *session, n int64) error {
		if err := s.DeleteChannel(e.Ctx, s.who, n); err != nil {
			return err
		}
		return s.print(deleted{n, true}, "channel %d is deleted", n)
	})
}

type channelPause struct {
	channelRef
	Reason string `help:"Shown with the channel. Default: paused by hand." placeholder:"TEXT"`
}

// Run pauses a channel.
func (c *channelPause) Run(e *console.Env) error {
	return c.run(e, "paused; its messages wait until: sendoff channel resume "+c.Ref, func(s *session, n int64) (*admin.Channel, error) {
		return s.PauseChannel(e.Ctx, s.who, n, admin.Pause{Reason: c.Reason})
	})
}

type channelResume struct{ channelRef }

// Run resumes a channel.
func (c *channelResume) Run(e *console.Env) error {
	return c.run(e, "sending again", func(s *session, n int64) (*admin.Channel, error) { return s.ResumeChannel(e.Ctx, s.who, n) })
}

type channelCheck struct {
	channelRef
	Timeout time.Duration `default:"5s" help:"How long the provider may take." placeholder:"TIME"`
}

// Run checks the channel with its provider.
func (c *channelCheck) Run(e *console.Env) error {
	return c.with(e, func(s *session, n int64) error {
		f, err := s.CheckChannel(e.Ctx, s.who, n, c.Timeout)
		if err != nil {
			return err
		}
		v := Found(f)
		if v.OK {
			return s.print(v, "channel %d (%s) works: %s", n, f.Channel, v.Detail)
		}
		if err := s.print(v, "channel %d (%s) does not work: %s\n%s", n, f.Channel, v.Detail, v.Fix); err != nil {
			return err
		}
		return console.ErrReported
	})
}

// Found returns the check of a channel as a finding.
func Found(c *admin.ChannelCheck) console.Finding {
	f := console.Finding{Name: "channel " + strconv.FormatInt(c.ID, 10)}
	if c.Problem == "" {
		return f.Passed(c.About + ": the provider accepts the credentials")
	}
	return f.Failed(c.About+": "+c.Problem, c.Fix)
}
