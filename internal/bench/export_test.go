package bench

// Divided returns o with numbers and times divided by n.
func (o Options) Divided(n int) Options {
	o.divide = n
	return o
}
