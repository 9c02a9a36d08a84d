package pg

// PageBytes bounds the content of a page of a list, which may be short therefore.
const PageBytes = 1 << 20

// Fitting returns how many rows of a list, the first ones, are a page of at most
// PageBytes; at least one if there are any.
func Fitting(sizes []int) int {
	sum := 0
	for i, size := range sizes {
		if sum += size; sum > PageBytes && i > 0 {
			return i
		}
	}
	return len(sizes)
}
