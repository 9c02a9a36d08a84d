package template

import (
	"strconv"

	"github.com/sendoff/sendoff/internal/dispatch"
)

// asTemplate returns a card of t as a template of its own: each card numbers its
// variables itself.
func (c *Card) asTemplate(t *Template) *Template {
	return &Template{Name: t.Name, Language: t.Language, Category: "marketing", ParameterFormat: t.ParameterFormat, Components: c.Components}
}

// carousel fills the cards of t's carousel from given, a component at a pointer.
func (r *resolver) carousel(given *dispatch.Component, at string) {
	c := r.t.component("CAROUSEL")
	if c == nil {
		r.faults.Add(at, "the template has no carousel")
		return
	}
	s := r.slotsOf(carousel, 0)[0]
	s.filled, at = true, at+"/cards"
	places := r.placesOf(given.Cards, len(c.Cards), at)
	for i := range c.Cards {
		j, ok := places[i]
		if !ok && len(c.Cards[i].asTemplate(r.t).Variables()) == 0 {
			continue
		}
		if !ok {
			r.faults.Add(at, "card %d is missing (card_index %d): the template has %d", i+1, i, len(c.Cards))
			continue
		}
		sub := newResolver(c.Cards[i].asTemplate(r.t), dispatch.Pointer(at, j, "components"))
		for k := range sub.slots {
			sub.slots[k].card = i + 1
		}
		sub.components(given.Cards[j].Components)
		sub.checkMissing()
		r.faults = append(r.faults, sub.faults...)
		s.cards = append(s.cards, dispatch.Card{Index: new(dispatch.CardIndex(i)), Components: sub.build()})
	}
}

// placesOf returns by its index the place of each of the cards given. n is how many
// the template has.
func (r *resolver) placesOf(given []dispatch.Card, n int, at string) map[int]int {
	places := map[int]int{}
	for j := range given {
		index := given[j].Index
		if index == nil {
			r.faults.Add(dispatch.Pointer(at, j, "card_index"), "is required")
			continue
		}
		i := int(*index)
		if _, twice := places[i]; twice {
			r.faults.Add(dispatch.Pointer(at, j, "card_index"), "card %d stands twice", i)
			continue
		}
		if i < 0 || i >= n {
			r.faults.Add(dispatch.Pointer(at, j, "card_index"), "the template has %d cards: must be 0 to %d", n, n-1)
			continue
		}
		places[i] = j
	}
	return places
}

// previewCards returns the lines of a carousel.
func (r *resolver) previewCards(c *Component) []string {
	values := map[int]*dispatch.TemplateUse{}
	for _, s := range r.slotsOf(carousel, 0) {
		for i := range s.cards {
			values[int(*s.cards[i].Index)] = &dispatch.TemplateUse{Components: s.cards[i].Components}
		}
	}
	var lines []string
	for i := range c.Cards {
		lines = append(lines, "[card "+strconv.Itoa(i+1)+"]", c.Cards[i].asTemplate(r.t).Preview(values[i]))
	}
	return lines
}
