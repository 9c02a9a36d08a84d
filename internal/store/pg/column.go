package pg

import (
	"database/sql/driver"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

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
)

// The types of elements, by their number in pg_type.
const (
	oidBool, oidInt8, oidInt2, oidInt4, oidText, oidFloat8, oidUUID = 16, 20, 21, 23, 25, 701, 2950
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
