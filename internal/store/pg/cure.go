package pg

import (
	"errors"
	"strings"

	"github.com/lib/pq"
)

// cures are what to do after an error of connecting, by SQLSTATE or its class.
var cures = map[string]string{
	"28P01": "correct the password in SENDOFF_POSTGRES_URL (percent-encode / @ : ? #)",
	"28000": "let pg_hba.conf admit this user from this machine, or correct user and sslmode in SENDOFF_POSTGRES_URL",
	"3D000": "create the database, or correct its name in SENDOFF_POSTGRES_URL",
	"42501": "run: GRANT CREATE, USAGE ON SCHEMA public TO the role of SENDOFF_POSTGRES_URL, or make it the owner of the database",
	"42704": "remove the parameter that Postgres does not know from SENDOFF_POSTGRES_URL",
	"53300": "raise max_connections, or lower SENDOFF_POSTGRES_CONNS",
	"57P03": "wait: Postgres starts or recovers",
	"25006": "name the primary in SENDOFF_POSTGRES_URL; with several hosts add target_session_attrs=read-write",
	"08P01": "let the pooler pass or ignore the parameter that it names (ignore_startup_parameters)",
}

// Cure returns what an operator can do after err, an error of connecting or of
// a first statement.
func Cure(err error) string {
	if errors.Is(err, ErrReadOnly) || errors.Is(err, ErrStandby) {
		return cures[readOnly]
	}
	if pe, ok := errors.AsType[*pq.Error](err); ok {
		if cure := cures[string(pe.Code)]; cure != "" {
			return cure
		}
		return "read Postgres' words above; its log may say more"
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "x509"):
		return "name the CA with sslrootcert=FILE in SENDOFF_POSTGRES_URL, or sslrootcert=system for a public one"
	case strings.Contains(text, "SSL is not enabled"):
		return "set ssl = on in postgresql.conf, or write sslmode=disable in SENDOFF_POSTGRES_URL if the network is yours alone"
	case strings.Contains(text, "no such host"):
		return "correct the host in SENDOFF_POSTGRES_URL"
	}
	return "start Postgres, or correct host and port in SENDOFF_POSTGRES_URL"
}
