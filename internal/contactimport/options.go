package contactimport

import (
	"slices"
	"strings"

	"github.com/sendoff/sendoff/internal/dispatch"
	"github.com/sendoff/sendoff/internal/dispatch/phone"
)

// Format is the kind of a file.
type Format string

// The formats that are read.
const (
	CSV    Format = "csv"
	NDJSON Format = "ndjson"
	XLSX   Format = "xlsx"
)

// Limits of a file. Whatever is larger ends in a clear error or a bad row, in
// bounded memory.
const (
	MaxBytes     = 1 << 30   // of a file
	MaxXLSXBytes = 100 << 20 // of a packed workbook
	maxXMLBytes  = 1 << 30   // of one unpacked part of a workbook
	maxColumns   = 10_000
	maxCell      = 64 << 10 // bytes in UTF-8
	maxRecord    = 1 << 20  // bytes as they stand in the file
)

// Options are a client's settings for one file; the zero value finds out
// everything from the file.
type Options struct {
	Format         Format   // "": by content
	Delimiter      string   // one of , ; tab |; "": the one that fits the first 100 records best
	Encoding       string   // such as "windows-1252"; "": by byte order mark and content
	DefaultCountry string   // ISO 3166: the country of numbers without + or 00
	PhoneColumn    string   // name of the column with the phone numbers; "": by name or content
	Map            []string // "column:field" each
	Scopes         bool     `json:",omitempty"` // of suppressions: the field scope must be all or marketing
	Force          bool     // go on even if over 20 % of the first rows are bad
	TempDir        string   // for workbooks; "": the system's

	maxBytes int64 // 0: MaxBytes; tests set less
}

// refuseOption returns refuse's error of the option that clients call name.
func refuseOption(name, reason, format string, args ...any) *dispatch.Error {
	err := refuse(reason, format, args...)
	err.Faults = []dispatch.Fault{{Field: "/" + name, Msg: err.Msg}}
	return err
}

// refuse returns the error of a file or an option that can't be used. Clients
// read the message.
func refuse(reason, format string, args ...any) *dispatch.Error {
	err := dispatch.Errorf(dispatch.Invalid, format, args...)
	err.Reason = reason
	return err
}

// Check returns an error if an option has a value that no file can have, with the faults
// of all of them. Open calls it too; the front door does before it takes the file.
func (o *Options) Check() error {
	if o.Format != "" && !slices.Contains([]Format{CSV, NDJSON, XLSX}, o.Format) {
		return refuse("unknown_format", "%q is not a format: use csv, ndjson or xlsx", o.Format)
	}
	_, badDelimiter := o.delimiter()
	_, badMap := o.mappings()
	var all *dispatch.Error
	for _, err := range []error{badDelimiter, o.checkEncoding(), o.checkCountry(), badMap} {
		switch e := dispatch.AsError(err); {
		case err == nil:
		case all == nil:
			all = e
		default:
			all.Faults = append(all.Faults, e.Faults...)
		}
	}
	if all == nil {
		return nil
	}
	return all
}

func (o *Options) checkEncoding() error {
	if o.Encoding == "" || findCharset(o.Encoding) != nil {
		return nil
	}
	return refuseOption("encoding", "unknown_encoding", "%q is not a known encoding: use %s", o.Encoding, charsetNames())
}

func (o *Options) checkCountry() error {
	if o.DefaultCountry == "" || phone.Region(strings.ToUpper(o.DefaultCountry)) {
		return nil
	}
	return refuseOption("default_country", "unknown_country", "%q is not a country: use its two letters of ISO 3166, such as DE",
		o.DefaultCountry)
}

// delimiters are tried in this order.
const delimiters = ",;\t|"

// delimiter returns the wanted delimiter, or 0.
func (o *Options) delimiter() (byte, error) {
	switch strings.ToLower(o.Delimiter) {
	case "":
		return 0, nil
	case "tab", `\t`:
		return '\t', nil
	}
	if len(o.Delimiter) == 1 && strings.Contains(delimiters, o.Delimiter) {
		return o.Delimiter[0], nil
	}
	return 0, refuseOption("delimiter", "unknown_delimiter", "%q is not a delimiter: use one of , ; tab |", o.Delimiter)
}

// mappings returns the targets that Map sets, by column name.
func (o *Options) mappings() (map[string]target, error) {
	targets := map[string]target{}
	for _, m := range o.Map {
		column, t, ok := parseMapping(m)
		if !ok {
			return nil, refuseOption("map", "unknown_field",
				"map %q: write column:field, with phone, name, time_zone, wa_id, user_id, fields.<name> or - as field", m)
		}
		if had, ok := targets[column]; ok && had != t {
			return nil, refuseOption("map", "mapped_twice", "column %q is mapped twice", column)
		}
		for other, had := range targets {
			if had == t && t.kind != toNothing && other != column {
				return nil, refuseOption("map", "mapped_twice", "columns %q and %q are both mapped to %s", other, column, t)
			}
		}
		targets[column] = t
	}
	return targets, nil
}

// parseMapping splits at the last colon that a field follows: names of columns
// may have colons too.
func parseMapping(m string) (column string, t target, ok bool) {
	for i := len(m) - 1; i > 0; i-- {
		if m[i] != ':' {
			continue
		}
		if t, ok := parseTarget(m[i+1:]); ok {
			return m[:i], t, true
		}
	}
	return "", target{}, false
}
