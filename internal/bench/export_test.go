package bench

// Divided returns o with numbers and times divided by n.
func (o Options) Divided(n int) Options {
	o.divide = n
	return o
}

// Names returns the figures that a run measures, in their order.
func Names() (names []string) {
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}
