package cli

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// devFile is DIR/dev.json, from which programs read how to use this Sendoff.
type devFile struct {
	BaseURL   string `json:"base_url"`
	Dashboard struct {
		URL      string `json:"url"`
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"dashboard"`
	AccountSID   string        `json:"account_sid"`
	APIKey       string        `json:"api_key"`
	TestAPIKey   string        `json:"test_api_key"`
	PostgresURL  string        `json:"postgres_url"`
	RedisURL     string        `json:"redis_url"`
	EmulatorURL  string        `json:"emulator_url"`
	Channels     []devChannel  `json:"channels"`
	Templates    []devTemplate `json:"templates"`
	Users        []devUser     `json:"users"`
	ContactLists []devList     `json:"contact_lists"`
}

type devChannel struct {
	ID       int64  `json:"id"`
	Key      string `json:"key"`
	Provider string `json:"provider"`
	Kind     string `json:"kind"`
	Sender   string `json:"sender"`
	Default  bool   `json:"default"`
}

type devTemplate struct {
	ID                 int64  `json:"id"`
	Name               string `json:"name"`
	Language           string `json:"language"`
	Category           string `json:"category"`
	ProviderTemplateID string `json:"provider_template_id,omitempty"`
}

type devUser struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type devList struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// secretKey returns the key that encrypts credentials. It creates the file if
// there is none.
func secretKey(file string) (string, error) {
	if b, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(b)), nil
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	key := hex.EncodeToString(raw[:])
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write secret key: %w", err)
	}
	return key, nil
}

// write writes dev.json and dev.env, which contain secrets.
func (d *dev) write(listen string) error {
	b, err := json.MarshalIndent(d.file, "", "  ")
	if err != nil {
		return fmt.Errorf("encode dev.json: %w", err)
	}
	env := strings.Join([]string{
		"SENDOFF_POSTGRES_URL=" + d.file.PostgresURL,
		"SENDOFF_REDIS_URL=" + d.file.RedisURL,
		"SENDOFF_LISTEN=" + listen,
		"SENDOFF_PUBLIC_URL=" + d.file.BaseURL,
		"SENDOFF_SECRET_KEY=" + string(d.cfg.SecretKey),
		"SENDOFF_EMULATOR_URL=" + d.file.EmulatorURL,
		"SENDOFF_SHUTDOWN_GRACE=5s",
		"SENDOFF_WEBHOOK_ALLOW_LOOPBACK=true",
		"SENDOFF_PROVIDER_ALLOW=" + loopback,
		"SENDOFF_METRICS_OPEN=true",
		"SENDOFF_WORK_LISTEN=",
		"",
	}, "\n")
	if err := replaceFile(d.path("dev.env"), []byte(env)); err != nil {
		return err
	}
	return replaceFile(d.path("dev.json"), append(b, '\n'))
}

// replaceFile writes a private file atomically.
func replaceFile(name string, b []byte) error {
	tmp := name + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
