package pg

import (
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/lib/pq"
)

// The columns of a page as array parameters. They go to Postgres in its binary form,
// which neither side has to quote and to parse; lib/pq asks for it (BinaryValue) on
// connections with binary_parameters, which all of ours have unless the URL says
// otherwise. The type of the array must be that of the statement exactly.
type (
	TextColumn     []string    // text[]
	NullTextColumn []*string   // text[] with NULLs
	IDColumn       []uuid.UUID // uuid[]
	Int8Column     []int64     // bigint[]
	Int4Column     []int64     // integer[]
	Int2Column     []int64     // smallint[]
	NullInt8Column []*int64    // bigint[] with NULLs
	BoolColumn     []bool      // boolean[]
	FloatColumn    []float64   // double precision[]
	TIDColumn      []TID       // tid[]
)

// TID is where a row stands in its table (ctid): the block and the place in it. It holds until
// the row is changed or the table is rewritten; then another row may stand there.
type TID [6]byte

// String returns it as Postgres writes it.
func (t TID) String() string {
	return fmt.Sprintf("(%d,%d)", binary.BigEndian.Uint32(t[:4]), binary.BigEndian.Uint16(t[4:]))
}

// The types of elements, by their number in pg_type.
const (
	oidBool, oidInt8, oidInt2, oidInt4, oidText, oidTID, oidFloat8, oidUUID = 16, 20, 21, 23, 25, 27, 701, 2950
)

// header begins an array of n elements in binary form, which take size bytes besides their
// lengths.
func header(n, oid, size int, nulls bool) []byte {
	b := make([]byte, 0, 20+4*n+size)
	dimensions, flag := uint32(1), uint32(0)
	if n == 0 {
		dimensions = 0
	}
	if nulls {
		flag = 1
	}
	b = binary.BigEndian.AppendUint32(b, dimensions)
	b = binary.BigEndian.AppendUint32(b, flag)
	b = binary.BigEndian.AppendUint32(b, uint32(oid))
	if n == 0 {
		return b
	}
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	return binary.BigEndian.AppendUint32(b, 1) // the first index
}

const null = math.MaxUint32 // the length of NULL, -1

// BinaryValue returns the array in binary form.
func (c TextColumn) BinaryValue() ([]byte, error) {
	size := 0
	for _, s := range c {
		size += len(s)
	}
	b := header(len(c), oidText, size, false)
	for _, s := range c {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b, nil
}

// Value returns the array as text.
func (c TextColumn) Value() (driver.Value, error) { return Texts(c), nil }

// BinaryValue returns the array in binary form.
func (c NullTextColumn) BinaryValue() ([]byte, error) {
	size, nulls := 0, false
	for _, s := range c {
		if s != nil {
			size += len(*s)
		} else {
			nulls = true
		}
	}
	b := header(len(c), oidText, size, nulls)
	for _, s := range c {
		if s == nil {
			b = binary.BigEndian.AppendUint32(b, null)
			continue
		}
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(*s))), *s...)
	}
	return b, nil
}

// Value returns the array as text.
func (c NullTextColumn) Value() (driver.Value, error) { return TextArray(c), nil }

// BinaryValue returns the array in binary form.
func (c IDColumn) BinaryValue() ([]byte, error) {
	b := header(len(c), oidUUID, len(uuid.UUID{})*len(c), false)
	for i := range c {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(c[i]))), c[i][:]...)
	}
	return b, nil
}

// Value returns the array as text.
func (c IDColumn) Value() (driver.Value, error) { return UUIDArray(c), nil }

// BinaryValue returns the array in binary form.
func (c Int8Column) BinaryValue() ([]byte, error) {
	b := header(len(c), oidInt8, 8*len(c), false)
	for _, n := range c {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
	}
	return b, nil
}

// Value returns the array as text.
func (c Int8Column) Value() (driver.Value, error) { return IntArray(c), nil }

// BinaryValue returns the array in binary form. An element that is too large is an error,
// as Postgres' own would be.
func (c Int4Column) BinaryValue() ([]byte, error) {
	b := header(len(c), oidInt4, 4*len(c), false)
	for _, n := range c {
		if n != int64(int32(n)) {
			return nil, outOfRange(n, "integer")
		}
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), uint32(n))
	}
	return b, nil
}

// Value returns the array as text.
func (c Int4Column) Value() (driver.Value, error) { return IntArray(c), nil }

// BinaryValue returns the array in binary form. An element that is too large is an error,
// as Postgres' own would be.
func (c Int2Column) BinaryValue() ([]byte, error) {
	b := header(len(c), oidInt2, 2*len(c), false)
	for _, n := range c {
		if n != int64(int16(n)) {
			return nil, outOfRange(n, "smallint")
		}
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), uint16(n))
	}
	return b, nil
}

// Value returns the array as text.
func (c Int2Column) Value() (driver.Value, error) { return IntArray(c), nil }

// outOfRange is what Postgres says of a number that its type can't hold.
func outOfRange(n int64, typ string) error {
	return &pq.Error{
		Severity: "ERROR", Code: "22003", Message: `value "` + strconv.FormatInt(n, 10) + `" is out of range for type ` + typ,
	}
}

// BinaryValue returns the array in binary form.
func (c NullInt8Column) BinaryValue() ([]byte, error) {
	nulls := false
	for _, n := range c {
		nulls = nulls || n == nil
	}
	b := header(len(c), oidInt8, 8*len(c), nulls)
	for _, n := range c {
		if n == nil {
			b = binary.BigEndian.AppendUint32(b, null)
			continue
		}
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(*n))
	}
	return b, nil
}

// Value returns the array as text.
func (c NullInt8Column) Value() (driver.Value, error) { return NullableArray(c), nil }

// BinaryValue returns the array in binary form.
func (c BoolColumn) BinaryValue() ([]byte, error) {
	b := header(len(c), oidBool, len(c), false)
	for _, v := range c {
		b = binary.BigEndian.AppendUint32(b, 1)
		if v {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	return b, nil
}

// Value returns the array as text.
func (c BoolColumn) Value() (driver.Value, error) { return pq.BoolArray(c).Value() }

// BinaryValue returns the array in binary form.
func (c FloatColumn) BinaryValue() ([]byte, error) {
	b := header(len(c), oidFloat8, 8*len(c), false)
	for _, f := range c {
		b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), math.Float64bits(f))
	}
	return b, nil
}

// Value returns the array as text.
func (c FloatColumn) Value() (driver.Value, error) {
	var b strings.Builder
	for i, f := range c {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteString(strconv.FormatFloat(f, 'g', -1, 64))
	}
	if len(c) == 0 {
		b.WriteByte('{')
	}
	return b.String() + "}", nil
}

// BinaryValue returns the array in binary form.
func (c TIDColumn) BinaryValue() ([]byte, error) {
	b := header(len(c), oidTID, len(TID{})*len(c), false)
	for i := range c {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(c[i]))), c[i][:]...)
	}
	return b, nil
}

// Value returns the array as text.
func (c TIDColumn) Value() (driver.Value, error) {
	texts := make([]string, len(c))
	for i, t := range c {
		texts[i] = t.String()
	}
	return Texts(texts), nil
}

// Record returns the SQL of a row of these columns as one value, which Postgres sends in its
// binary form and a Fields reads. For hot statements: of columns of their own, times,
// booleans and texts would be written and read as text, each for itself.
func Record(columns string) string { return `record_send(ROW(` + columns + `))` }

// Fields reads the columns of a Record in their order.
type Fields struct {
	rest  string
	left  int // columns
	wrong error
}

var errRecord = errors.New("a column is not what it should be")

// ReadRecord returns the fields of a Record. It copies raw.
func ReadRecord(raw []byte) Fields {
	f := Fields{rest: string(raw)}
	f.left = int(f.uint32())
	return f
}

// Len returns how many columns are left.
func (f *Fields) Len() int { return f.left }

// Err returns an error if a column was not there, or not of the type that was asked for.
func (f *Fields) Err() error { return f.wrong }

func (f *Fields) uint32() uint32 {
	if len(f.rest) < 4 {
		f.wrong = errRecord
		return 0
	}
	n := number(f.rest[:4])
	f.rest = f.rest[4:]
	return uint32(n)
}

// next returns the next column, and whether it is not NULL.
func (f *Fields) next() (s string, ok bool) {
	f.uint32() // its type
	n := f.uint32()
	f.left--
	if f.wrong != nil || f.left < 0 || n == null || int64(n) > int64(len(f.rest)) {
		if n != null {
			f.wrong = errRecord
		}
		return "", false
	}
	s, f.rest = f.rest[:n], f.rest[n:]
	return s, true
}

// fixed is next of a column that has size bytes and is not NULL.
func (f *Fields) fixed(size int) string {
	s, ok := f.next()
	if !ok || len(s) != size {
		f.wrong = errRecord
		return noBytes[:size]
	}
	return s
}

const noBytes = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"

// ID returns a uuid.
func (f *Fields) ID() (id uuid.UUID) {
	copy(id[:], f.fixed(len(id)))
	return id
}

// TID returns a tid.
func (f *Fields) TID() (t TID) {
	copy(t[:], f.fixed(len(t)))
	return t
}

// Int8 returns a bigint.
func (f *Fields) Int8() int64 { return int64(number(f.fixed(8))) }

// Int4 returns an integer.
func (f *Fields) Int4() int32 { return int32(number(f.fixed(4))) }

// Int2 returns a smallint.
func (f *Fields) Int2() int16 { return int16(number(f.fixed(2))) }

// Bool returns a boolean.
func (f *Fields) Bool() bool { return f.fixed(1) == "\x01" }

// Time returns a timestamptz.
func (f *Fields) Time() time.Time {
	us := f.Int8()
	if us == math.MaxInt64 || us == math.MinInt64 { // infinity
		f.wrong = errRecord
	}
	return time.UnixMicro(us + fromUnix).UTC()
}

// fromUnix is when the times of Postgres begin, in microseconds.
const fromUnix = 946_684_800_000_000

// Text returns a text.
func (f *Fields) Text() string {
	s, ok := f.next()
	if !ok {
		f.wrong = errRecord
	}
	return s
}

// NullText returns a text, or nil.
func (f *Fields) NullText() *string {
	s, ok := f.next()
	if !ok {
		return nil
	}
	return &s
}

func number(s string) (n uint64) {
	for i := range len(s) {
		n = n<<8 | uint64(s[i])
	}
	return n
}
