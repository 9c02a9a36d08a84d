package remote

// Help has the help texts that are too long for struct tags, by the names in
// them.
var Help = map[string]string{
	"remote_url": "Address of the API. Default: http://127.0.0.1:8080; without a key, that of .sendoff/dev.json.",
}
