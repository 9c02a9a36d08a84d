package bench

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
	"text/tabwriter"
)

func (f *Figure) line() string {
	s := fmt.Sprintf("%-16s %12s %s", f.Name, number(f.Value), f.Unit)
	if f.Raw > 0 {
		s += fmt.Sprintf(", %.2f x %s (%s)", f.Ratio, f.RawIs, number(f.Raw))
	}
	if f.Detail != "" {
		s += ", " + f.Detail
	}
	if text := cpuText(f.CPU); text != "" {
		s += ", " + text
	}
	return s
}

// Table prints a report for people.
func (r *Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "figure\thow\traw limit\tmeasured\tratio\tmust reach\t")
	for _, f := range r.Figures {
		raw, ratio, ok := "", "", "no"
		if f.Raw > 0 {
			raw, ratio = number(f.Raw)+" "+f.RawIs, fmt.Sprintf("%.2f", f.Ratio)
		}
		if f.Reach {
			ok = "yes"
		}
		value := number(f.Value) + " " + f.Unit
		if f.Detail != "" {
			value += " (" + f.Detail + ")"
		}
		if text := cpuText(f.CPU); text != "" {
			value += " (" + text + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s: %s\t\n", f.Name, f.How, raw, value, ratio, f.Must, ok)
	}
	fmt.Fprintf(t, "lost %d\tduplicated %d\t\t\t\t\t\n", r.Lost, r.Duplicated)
	return t.Flush()
}

// JSON writes a report for machines.
func (r *Report) JSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// SVG draws the ratios to the raw limits.
func (r *Report) SVG(w io.Writer) error {
	var bars []Figure
	for _, f := range r.Figures {
		if f.Raw > 0 {
			bars = append(bars, f)
		}
	}
	const row, left, wide = 34, 150, 420
	var b strings.Builder
	fmt.Fprintf(
		&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="13">`, left+wide+230,
		row*len(bars)+40,
	)
	fmt.Fprintf(
		&b,
		`<rect width="100%%" height="100%%" fill="#fff"/>`+
			`<text x="10" y="22" font-weight="bold">Share of the machine's raw limit, same run</text>`,
	)
	for i, f := range bars {
		y := 40 + i*row
		width := int(min(f.Ratio, 2) / 2 * wide)
		fmt.Fprintf(&b, `<text x="10" y="%d">%s</text>`+
			`<rect x="%d" y="%d" width="%d" height="20" fill="#2a7"/><text x="%d" y="%d">%.2f x %s</text>`,
			y+15, html.EscapeString(f.Name), left, y, width, left+width+8, y+15, f.Ratio, html.EscapeString(f.RawIs))
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// number formats 12345.6 as 12,346 and 1.35 as 1.4.
func number(v float64) string {
	if v < 100 {
		return fmt.Sprintf("%.1f", v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
