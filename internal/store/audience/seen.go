package audience

// seenMost bounds the memory of a Seen: about 40 MiB.
const seenMost = 2_000_000

// Seen has the numbers of a file's persons so far, as the process that runs its
// import keeps them: a person that comes twice is known by them. Other ids, and
// numbers beyond its bound, are in import_keys. A process that goes on with an
// import reads the file from its beginning and skips the rows that are counted.
type Seen struct {
	numbers map[uint64]struct{}
	most    int
}

// NewSeen returns the numbers of no rows.
func NewSeen() *Seen { return &Seen{map[uint64]struct{}{}, seenMost} }

// Skip adds the numbers of a row that an earlier process has counted.
func (s *Seen) Skip(r *Row) {
	for _, v := range r.values() {
		s.add(v)
	}
}

// add adds an id. before reports whether it was added before; kept is false if it
// must be kept elsewhere.
func (s *Seen) add(id string) (before, kept bool) {
	n, ok := number(id)
	if s == nil || !ok {
		return false, false
	}
	if _, before = s.numbers[n]; before {
		return true, true
	}
	if len(s.numbers) >= s.most {
		return false, false
	}
	s.numbers[n] = struct{}{}
	return false, true
}

// number returns the digits of a number as one that no other number has.
func number(id string) (n uint64, ok bool) {
	if len(id) < 2 || len(id) > 19 || id[0] != '+' || id[1] == '0' {
		return 0, false
	}
	for _, c := range []byte(id[1:]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}
