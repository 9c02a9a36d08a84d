package config

// Help has the help texts of settings by the names in their struct tags, which
// have no room for them.
var Help = map[string]string{
	"config_postgresurl":       "Postgres, as postgres://user:password@host:5432/sendoff?sslmode=verify-full.",
	"config_postgresdirecturl": "Postgres without a pooler in between, for migrations. Default: postgres-url.",
	"config_redisurl":          "Redis, as redis://host:6379/0, redis-cluster://h1:6379,h2:6379 or redis-sentinel://s1:26379,s2:26379/master.",
	"config_secretkey": "Encrypts provider credentials in Postgres: any text of at least 16 characters. " +
		"To rotate it, put the new key first and the old one after a comma.",
	"config_publicurl":     "Where providers and customers reach the API, as https://sendoff.example.com.",
	"config_emulatorurl":   "Where messages of test keys are sent. Default: an emulator inside work.",
	"config_loglevel":      "debug, info, warn or error.",
	"config_postgresconns": "Connections to Postgres per process, at least 2. serve opens up to 4 more for the dashboard.",
	"config_shutdowngrace": "How long a stopping worker waits for provider calls in flight before it aborts them.",
	"config_providerallow": "Networks that provider calls may reach besides public ones, as 10.1.0.0/16,127.0.0.1. Needed for a " +
		"channel whose base_url is inside.",
	"config_metricslisten": "Address of serve's /metrics. Default: none.",
	"config_metricstoken":  "Serve /metrics on the API's address too, to who sends this as Bearer.",
	"config_metricsopen":   "Serve /metrics on the API's address without a token. For development only.",
	"config_tracesendpoint": "Where traces are sent: an OpenTelemetry collector that takes OTLP over HTTP, as http://collector:4318. " +
		"Default: traces are off.",
	"config_tracessampler": "Which messages are traced besides failed, expired, unknown and slow ones, as OpenTelemetry names samplers. " +
		"Default: parentbased_traceidratio.",
	"config_tracessamplerarg": "The ratio of messages that are traced, from 0 to 1. Default: 0.01.",
	"config_webhooklocal":     "Allow webhooks at loopback addresses. For development only.",
}
