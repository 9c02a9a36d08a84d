package drill

import (
	"net/http"
	"time"
)

// providerScenarios are the faults of a provider that every message meets for a
// while.
func providerScenarios() []Scenario {
	return []Scenario{
		{
			"provider-down", "the provider answers 500 to every call for 15 seconds",
			"messages wait for the end of it; those of which a call failed are maybe_sent until their receipt comes",
			providerFault("error_rate"),
		},
		{
			"provider-throttles", "the provider answers 429 to every call for 15 seconds", "messages wait for the end of it",
			providerFault("throttle_rate"),
		},
		{
			"provider-silent", "the provider takes every call of 5 seconds and answers none of them",
			"the messages of that time are maybe_sent until their receipt comes", providerSilent,
		},
	}
}

// providerFault has every call fail for a while: none may count so often that its
// message fails.
func providerFault(share string) func(s *Stack, o Options) Result {
	return func(s *Stack, o Options) Result {
		// The demo's channel retries four times within seconds, and its circuit opens late.
		s.Ask(http.MethodPatch, "/v1/channels/1", "application/json", []byte(`{"policy":{"rate":400,"max_attempts":6}}`), nil)
		x := s.SendMany(o.Messages)
		x.During([]int{30}, func() {
			s.Configure(`{"` + share + `":1}`)
			s.pass(15 * time.Second)
			s.Configure(`{"` + share + `":0}`)
		})
		return x.once(1, "delivered")
	}
}

// providerSilent has calls run into their timeout: receipts tell of each whether it
// succeeded, and nothing is sent twice.
func providerSilent(s *Stack, o Options) Result {
	x := s.SendMany(o.Messages)
	x.During([]int{30}, func() {
		s.Configure(`{"timeout_rate":1}`)
		s.pass(5 * time.Second)
		s.Configure(`{"timeout_rate":0}`)
	})
	return x.once(1+unknownRetries, "delivered", "unknown")
}
