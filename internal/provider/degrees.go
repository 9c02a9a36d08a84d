package provider

import "strconv"

// Degrees returns a coordinate, which vendors also write as a text; 0 if it is
// not a number.
func Degrees(text string) float64 {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0
	}
	return f
}
