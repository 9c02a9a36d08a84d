package engine

import (
	"crypto/subtle"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/person"
	"github.com/sendoff/sendoff/internal/dispatch/template"
)

// adminRoutes are the emulator's own: what it received, and how it behaves.
func (s *Server) adminRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_emulator/requests", s.listRequests)
	mux.HandleFunc("DELETE /_emulator/requests", s.clearRequests)
	mux.HandleFunc("GET /_emulator/count", s.count)
	mux.HandleFunc("GET /_emulator/rate", s.rate)
	mux.HandleFunc("GET /_emulator/callbacks", s.callbackCounts)
	mux.HandleFunc("POST /_emulator/inbound", s.sendInbound)
	mux.HandleFunc("GET /_emulator/settings", s.showSettings)
	mux.HandleFunc("PUT /_emulator/settings", s.changeSettings)
	mux.HandleFunc("GET /_emulator/channels", s.listChannels)
	mux.HandleFunc("PUT /_emulator/channels", s.putChannels)
	mux.HandleFunc("PUT /_emulator/templates", s.putTemplates)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.allowed(r) {
			fail(w, http.StatusUnauthorized, "the emulator's token is wanted: Authorization: Bearer, or ?token=")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (s *Server) allowed(r *http.Request) bool {
	if s.token == "" {
		return true
	}
	got, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		got = r.URL.Query().Get("token")
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(s.token)) == 1
}

// request is a recorded request as the log shows it.
type request struct {
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	At       time.Time         `json:"at"`
	Accepted bool              `json:"accepted"`
}

// listRequests shows the recorded requests, to one recipient or all. A plus
// that arrives as a space (unescaped in a query) makes no difference.
func (s *Server) listRequests(w http.ResponseWriter, r *http.Request) {
	es := s.ledger.find(Number(r.URL.Query().Get("to")))
	rs := make([]request, len(es))
	for i, e := range es {
		rs[i] = request{Method: e.method, Path: e.path, Headers: headers(e.header), Body: string(e.body), At: e.at.UTC(), Accepted: e.accepted}
	}
	show(w, http.StatusOK, map[string]any{"requests": rs})
}

func (s *Server) clearRequests(w http.ResponseWriter, _ *http.Request) {
	s.ledger.clear()
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) count(w http.ResponseWriter, r *http.Request) {
	if to := r.URL.Query().Get("to"); to != "" {
		show(w, http.StatusOK, map[string]int{"count": s.ledger.accepted.count(Number(to))})
		return
	}
	recipients, most := s.ledger.accepted.summary()
	show(w, http.StatusOK, map[string]int{"count": s.ledger.sum(), "recipients": recipients, "max_per_recipient": most})
}

func (s *Server) rate(w http.ResponseWriter, r *http.Request) {
	secs := s.ledger.rate(r.URL.Query().Get("channel"))
	most := 0
	for _, x := range secs {
		most = max(most, x.Accepted)
	}
	if secs == nil {
		secs = []second{}
	}
	show(w, http.StatusOK, map[string]any{"channel": r.URL.Query().Get("channel"), "max": most, "seconds": secs})
}

func (s *Server) callbackCounts(w http.ResponseWriter, _ *http.Request) {
	c := s.calls
	show(w, http.StatusOK, map[string]int64{
		"waiting": int64(c.waiting()), "answered": c.sent.Load(), "failed": c.failed.Load(), "dropped": c.dropped.Load(),
	})
}

func (s *Server) sendInbound(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Channel string `json:"channel"`
		From    string `json:"from"`
		Text    string `json:"text"`
	}
	if !read(w, r, &in) {
		return
	}
	ch := s.registry.Load().byKey[in.Channel]
	if ch == nil {
		fail(w, http.StatusNotFound, "no channel has this key")
		return
	}
	f, to := s.vendor(ch.Provider), ch.Settings["callback_url"]
	if f == nil || to == "" || Number(in.From) == 0 {
		fail(w, http.StatusUnprocessableEntity, "from must be a number, and the channel must have a callback_url")
		return
	}
	from := in.From
	if !person.IsUserID(from) {
		from = "+" + strings.TrimLeft(from, "+ ")
	}
	s.calls.deliver(&delivery{vendor: f, ch: ch, url: to, in: &Inbound{ID: s.newID(), From: from, Text: in.Text, At: time.Now()}})
	show(w, http.StatusAccepted, map[string]string{"status": "queued"})
}

func (s *Server) showSettings(w http.ResponseWriter, _ *http.Request) {
	show(w, http.StatusOK, s.settings.Load())
}

// changeSettings changes those that are given.
func (s *Server) changeSettings(w http.ResponseWriter, r *http.Request) {
	old := s.settings.Load()
	next := *old
	if !read(w, r, &next) {
		return
	}
	if err := s.Configure(next); err != nil {
		fail(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	show(w, http.StatusOK, next)
}

// Configure replaces the settings.
func (s *Server) Configure(next Settings) error {
	if err := next.check(); err != nil {
		return err
	}
	s.settings.Store(&next)
	return nil
}

// channel is a channel as it is registered over HTTP.
type channel struct {
	Key         string            `json:"key"`
	Provider    string            `json:"provider"`
	Kind        string            `json:"kind"`
	Sender      string            `json:"sender"`
	Settings    map[string]string `json:"settings"`
	Secrets     map[string]string `json:"secrets,omitempty"`
	CallbackURL string            `json:"callback_url"`
}

// listChannels shows the channels without their secrets.
func (s *Server) listChannels(w http.ResponseWriter, _ *http.Request) {
	list := []channel{}
	for _, c := range s.registry.Load().byKey {
		list = append(list, channel{
			Key: c.Key, Provider: c.Provider, Kind: c.Kind, Sender: c.Sender, Settings: c.Settings,
			CallbackURL: c.Settings["callback_url"],
		})
	}
	show(w, http.StatusOK, map[string]any{"channels": list})
}

func (s *Server) putChannels(w http.ResponseWriter, r *http.Request) {
	var list []channel
	if !read(w, r, &list) {
		return
	}
	chs := make([]*dispatch.Channel, len(list))
	for i, c := range list {
		if c.Key == "" || s.vendor(c.Provider) == nil {
			fail(w, http.StatusUnprocessableEntity, "a channel needs a key and a provider that is known")
			return
		}
		settings := make(map[string]string, len(c.Settings)+1)
		maps.Copy(settings, c.Settings)
		if c.CallbackURL != "" {
			settings["callback_url"] = c.CallbackURL
		}
		chs[i] = &dispatch.Channel{
			Key: c.Key, Provider: c.Provider, Kind: c.Kind, Sender: c.Sender, Enabled: true, Settings: settings, Secrets: c.Secrets,
		}
	}
	s.Register(chs...)
	show(w, http.StatusOK, map[string]int{"registered": len(chs)})
}

func (s *Server) putTemplates(w http.ResponseWriter, r *http.Request) {
	var list []template.Template
	if !read(w, r, &list) {
		return
	}
	s.templates.Store(&list)
	show(w, http.StatusOK, map[string]int{"templates": len(list)})
}

// read decodes a request of the emulator's own; unknown fields are mistakes.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		fail(w, http.StatusBadRequest, "the body can't be read: "+err.Error())
		return false
	}
	return true
}

func show(w http.ResponseWriter, status int, v any) {
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func fail(w http.ResponseWriter, status int, text string) {
	show(w, status, map[string]string{"error": text})
}
