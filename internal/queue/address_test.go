package queue

import (
	"strings"
	"testing"
)

func TestParseAddress_Refused_WithTheReasonAndWithoutThePassword(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, want string }{
		{"http://host", "is not one of redis, rediss, redis-cluster"},
		{"redis://host?tls=true", "tls"},
		{"redis-cluster://h?tls=true", `unknown word "tls"`},
		{"redis-sentinel://h/master?tls=true", `unknown word "tls"`},
		{"redis-sentinel://s1:26379,s2:26379", "name the master"},
		{"redis-cluster://h/3", "database 0"},
		{"redis-sentinel://h/m?db=x", "whole number"},
		{"redis://:sekr/it@host:6379/0", "%2F"},
		{"redis://user:12/sekrit@host:6379/0", "%2F"},
		{"rediss-cluster://:sek/rit@h1,h2", "%2F"},
		{"redis://host:sekrit", "must look like"},
		{"redis://host?ca_file=/ca.pem", "need TLS"},
		{"rediss://host?ca_file=/there/is/none.pem", "no such file"},
		{"rediss://host?cert_file=/there/is/none.pem", "cert_file"},
		{"redis://:sekrit@host?sentinel_password=x", "belong to redis-sentinel"},
		{"redis://:sekrit@host/abc", "redis url"},
	} {
		_, err := parseAddress(c.url)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.url, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "sekr") || strings.Contains(err.Error(), "rit@")) {
			t.Errorf("%s: the error shows the password: %v", c.url, err)
		}
	}
}

func TestParseAddress_Read(t *testing.T) {
	t.Parallel()
	a, err := parseAddress("redis-sentinel://user:p%2Fw@s1:26379,s2:26379/primary?db=3&sentinel_password=other")
	if err != nil {
		t.Fatal(err)
	}
	if o := a.options; len(o.Addrs) != 2 || o.MasterName != "primary" || o.DB != 3 || o.Password != "p/w" ||
		o.SentinelPassword != "other" ||
		o.TLSConfig != nil {
		t.Errorf("sentinel: %+v", o)
	}
	for _, url := range []string{"rediss-cluster://h1:6379,h2:6379", "rediss-sentinel://h1/m"} {
		if a, err := parseAddress(url); err != nil || a.options.TLSConfig == nil {
			t.Errorf("%s: %v, want TLS", url, err)
		}
	}
	if a, err := parseAddress("rediss://:pw@host.example:6380/2"); err != nil || a.single.DB != 2 ||
		a.single.TLSConfig.ServerName != "host.example" {
		t.Errorf("rediss: %+v, %v", a, err)
	}
}
