package contactimport

import (
	"bytes"
	"strings"
)

// sniffFormat returns the format that the head of a file shows. A client's word
// counts only for what is text: programs send workbooks as text/csv.
func sniffFormat(head []byte, wanted Format) (Format, error) {
	for _, s := range signatures {
		if !bytes.HasPrefix(head, []byte(s.magic)) {
			continue
		}
		if s.refused != "" {
			return "", refuse("unsupported_file", "%s", s.refused)
		}
		return XLSX, nil
	}
	if wanted == XLSX {
		return "", refuse("unsupported_file", "not an Excel workbook (.xlsx)")
	}
	text := strings.ToLower(string(bytes.TrimLeft(head[:min(len(head), 512)], "\xef\xbb\xbf \t\r\n")))
	for _, html := range []string{"<!doctype html", "<html", "<table", "<?xml", "<script"} {
		if strings.HasPrefix(text, html) {
			return "", refuse("unsupported_file", "an HTML or XML page, not a table: open it in a spreadsheet and save it as CSV or .xlsx")
		}
	}
	switch {
	case wanted != "":
		return wanted, nil
	case strings.HasPrefix(text, "{"):
		return NDJSON, nil
	case strings.HasPrefix(text, "[{"), strings.HasPrefix(text, "[\n"), strings.HasPrefix(text, "[\r\n"):
		return "", refuse("unsupported_file", "a JSON array: send one object a line (NDJSON)")
	}
	return CSV, nil
}

// signatures are the first bytes of files that are no text.
var signatures = []struct{ magic, refused string }{
	{"PK\x03\x04", ""},
	{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or encrypted Excel workbook: save it as .xlsx without a password, or as CSV"},
	{"\x1f\x8b", "a gzip archive: send the file inside it"},
	{"%PDF-", "a PDF: send a CSV or .xlsx file"},
	{"PK\x05\x06", "an empty zip archive"},
	{"BZh", "a bzip2 archive: send the file inside it"},
	{"\x28\xb5\x2f\xfd", "a zstd archive: send the file inside it"},
	{"\xff\xd8\xff", "a picture: send a CSV or .xlsx file"},
	{"\x89PNG", "a picture: send a CSV or .xlsx file"},
}

// sniffRecords is how many records decide about the delimiter and the columns.
const sniffRecords = 100

// sniffDelimiter returns the delimiter that cuts the first records of head most
// evenly, with quotes parsed. whole: head is the file.
func sniffDelimiter(head []byte, whole bool) byte {
	best, bestScore := delimiters[0], 0.0
	for _, d := range []byte(delimiters) {
		if score := evenness(head, d, whole); score > bestScore {
			best, bestScore = d, score
		}
	}
	return best
}

// evenness returns the share of records that have the most common number of
// cells, 0 if that is one. The header's number counts less, since a header may
// have one delimiter fewer than its rows; of equally even delimiters the one
// with more cells wins.
func evenness(head []byte, delimiter byte, whole bool) float64 {
	widths, first, total := map[int]int{}, 0, 0
	p := csvParser{delimiter: delimiter}
	for total < sniffRecords && len(head) > 0 {
		n, fault := p.parse(head, whole)
		if n == 0 || p.cut {
			break
		}
		head = head[n:]
		if len(bytes.TrimLeft(p.text, " ")) == 0 && fault == "" {
			continue // blank
		}
		if total++; total == 1 {
			first = len(p.cells)
		}
		if fault == "" {
			widths[len(p.cells)]++
		}
	}
	mode := 0
	for width, n := range widths {
		if n > widths[mode] || n == widths[mode] && width > mode {
			mode = width
		}
	}
	if mode < 2 {
		return 0
	}
	score := float64(widths[mode])/float64(total) + 0.01*float64(min(mode, 10))
	if first != mode {
		score -= 0.25
	}
	return score
}
