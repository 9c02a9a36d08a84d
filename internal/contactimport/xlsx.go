package contactimport

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path"
	"strings"
)

// xuri/excelize v2.11.1 is not used: it ends without an error where a sheet's
// XML is cut off or broken, drops cells whose text is missing, unpacks every
// part, and took 229 MB and 92 s for a million rows of two texts each.

// workbook is an .xlsx file on disk.
type workbook struct {
	file  *os.File
	texts *os.File // shared strings, unpacked
	parts map[string]*zip.File
}

func badWorkbook(why string) error {
	return refuse("bad_workbook", "the workbook can't be read: %s: open it in a spreadsheet and save it as CSV", why)
}

// openWorkbook sets the source of an Excel file: the first visible sheet.
func (r *Reader) openWorkbook(w *window, o *Options) error {
	b := &workbook{}
	r.closer = b
	size, err := b.spool(io.MultiReader(bytes.NewReader(w.bytes()), w.src), o.TempDir)
	if err != nil {
		return err
	}
	if err := b.unpack(size); err != nil {
		return err
	}
	name, sheet, strings, err := b.find()
	if err != nil {
		return err
	}
	r.info.Sheet = name
	s := &sheetSource{}
	if strings != "" {
		if s.texts, err = b.sharedTexts(strings, o.TempDir); err != nil {
			return err
		}
	}
	if s.xml, err = b.stream(sheet); err != nil {
		return err
	}
	r.src = s
	return s.header()
}

// spool copies src to disk, since a zip archive is read from its end.
func (b *workbook) spool(src io.Reader, dir string) (size int64, err error) {
	if b.file, err = os.CreateTemp(dir, "sendoff-import-*"); err != nil {
		return 0, err
	}
	return io.Copy(b.file, &maxReader{src: src, left: MaxXLSXBytes, limit: "100 MB as a workbook"})
}

// Close removes the files.
func (b *workbook) Close() error {
	var errs []error
	for _, f := range []*os.File{b.file, b.texts} {
		if f != nil {
			errs = append(errs, f.Close(), os.Remove(f.Name()))
		}
	}
	return errors.Join(errs...)
}

// maxDirectory bounds the list of an archive's parts, which is read as a whole.
const maxDirectory = 1 << 20

// unpack reads the archive's directory.
func (b *workbook) unpack(size int64) error {
	if !smallDirectory(b.file, size) {
		return badWorkbook("it is no workbook, or has too many parts")
	}
	archive, err := zip.NewReader(b.file, size)
	if err != nil {
		return badWorkbook("its archive is damaged")
	}
	b.parts = map[string]*zip.File{}
	for _, f := range archive.File {
		b.parts[partName(f.Name)] = f
	}
	return nil
}

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// smallDirectory reports whether the archive's directory is at most 1 MiB, by
// both fields of its end record (APPNOTE.TXT 4.3.16).
func smallDirectory(file io.ReaderAt, size int64) bool {
	tail := make([]byte, min(size, 22+1<<16))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if i < 0 || len(tail)-i < 22 {
		return false
	}
	end := size - int64(len(tail)) + int64(i)
	return little32(tail[i+12:]) <= maxDirectory && end-little32(tail[i+16:]) <= maxDirectory
}

func little32(b []byte) int64 {
	return int64(b[0]) | int64(b[1])<<8 | int64(b[2])<<16 | int64(b[3])<<24
}

// stream opens a part to be read as XML.
func (b *workbook) stream(name string) (*xmlReader, error) {
	f := b.parts[partName(name)]
	if f == nil {
		return nil, badWorkbook("its part " + cut(name) + " is missing")
	}
	if f.UncompressedSize64 > maxXMLBytes {
		return nil, refuse("file_too_large", "the workbook is larger than 1 GB when unpacked: save it as CSV")
	}
	part, err := f.Open()
	if err != nil {
		return nil, badWorkbook("its archive is damaged")
	}
	return newXMLReader(part), nil
}

// maxSmallPart bounds parts that are read as a whole.
const maxSmallPart = 4 << 20

// decode reads a small part into v.
func (b *workbook) decode(name string, v any) error {
	f := b.parts[partName(name)]
	if f == nil || f.UncompressedSize64 > maxSmallPart {
		return badWorkbook("its part " + cut(name) + " is missing or too large")
	}
	part, err := f.Open()
	if err != nil {
		return badWorkbook("its archive is damaged")
	}
	defer part.Close()
	if err := xml.NewDecoder(part).Decode(v); err != nil {
		return badWorkbook("its part " + cut(name) + " is damaged")
	}
	return nil
}

// relations are the links of a part to others (ECMA-376 part 2).
type relations struct {
	Links []struct {
		ID     string `xml:"Id,attr"`
		Type   string `xml:"Type,attr"`
		Target string `xml:"Target,attr"`
	} `xml:"Relationship"`
}

// relation returns the part that from links to, by id, or by kind if id is "".
func (b *workbook) relation(from, id, kind string) (string, error) {
	var r relations
	dir, name := path.Split(from)
	if err := b.decode(path.Join(dir, "_rels", name+".rels"), &r); err != nil {
		return "", err
	}
	for _, l := range r.Links {
		if !strings.HasSuffix(l.Type, "/"+kind) || id != "" && l.ID != id {
			continue
		}
		if strings.HasPrefix(l.Target, "/") {
			return l.Target[1:], nil
		}
		return path.Join(dir, l.Target), nil
	}
	return "", nil
}

// find returns name and part of the first visible sheet, and the part of the
// shared strings, "" without.
func (b *workbook) find() (name, sheet, texts string, err error) {
	root, err := b.relation("", "", "officeDocument")
	if err != nil {
		return "", "", "", err
	}
	var book struct {
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.decode(root, &book); err != nil {
		return "", "", "", err
	}
	for _, s := range book.Sheets {
		if s.State != "" && s.State != "visible" {
			continue
		}
		if sheet, err = b.relation(root, s.ID, "worksheet"); err != nil {
			return "", "", "", err
		}
		if sheet != "" { // a chart sheet has no cells
			texts, err = b.relation(root, "", "sharedStrings")
			return s.Name, sheet, texts, err
		}
	}
	return "", "", "", badWorkbook("it has no visible sheet")
}
