// Package ical reads and writes iCalendar (RFC 5545): lenient reading of what other people's programs
// wrote, zones, recurrence, and the edits that CalDAV needs. It is shared by ICS feeds, CalDAV objects
// and hosted series. It knows no network, no clock and no database.
//
// The way through: Parse gives a tree that keeps everything; Events gives the events of that tree with
// their times resolved; Expand gives the occurrences within a window. Write gives the tree's bytes back.
package ical

import (
	"slices"
	"strings"
)

// Calendar is one file: its VCALENDAR components in order. Feeds may hold several.
type Calendar struct {
	Components []*Component
}

// Component is a BEGIN … END block. Names are upper case. Nothing that was read is interpreted or lost,
// apart from the order between properties and sub-components.
type Component struct {
	Name     string
	Props    []Prop
	Children []*Component
}

// Prop is one content line. Value is as it stands in the file, still escaped; Text undoes that.
type Prop struct {
	Name   string // upper case
	Params []Param
	Value  string
}

// Param is a parameter of a property: Name upper case, Values without quotes and RFC 6868 escapes.
type Param struct {
	Name   string
	Values []string
}

// Text returns the value with its escapes (\n, \, \; \\) undone.
func (p Prop) Text() string { return unescapeText(p.Value) }

// Param returns the parameter's value, "" when it is not there. Several values are joined by commas:
// that is what an unquoted zone name with commas needs.
func (p Prop) Param(name string) string {
	for _, q := range p.Params {
		if q.Name == name {
			return strings.Join(q.Values, ",")
		}
	}
	return ""
}

// Prop returns the first property of that name, or nil. The pointer is valid until Props changes.
func (c *Component) Prop(name string) *Prop {
	for i := range c.Props {
		if c.Props[i].Name == name {
			return &c.Props[i]
		}
	}
	return nil
}

// All returns the properties of that name in order.
func (c *Component) All(name string) []Prop {
	var all []Prop
	for _, p := range c.Props {
		if p.Name == name {
			all = append(all, p)
		}
	}
	return all
}

// Text returns the unescaped value of the first property of that name, "" when it is not there.
func (c *Component) Text(name string) string {
	if p := c.Prop(name); p != nil {
		return p.Text()
	}
	return ""
}

// Set replaces all properties of p's name by p, in the place of the first.
func (c *Component) Set(p Prop) {
	i := slices.IndexFunc(c.Props, func(q Prop) bool { return q.Name == p.Name })
	if i < 0 {
		c.Props = append(c.Props, p)
		return
	}
	c.Props[i] = p
	for j := len(c.Props) - 1; j > i; j-- {
		if c.Props[j].Name == p.Name {
			c.Props = slices.Delete(c.Props, j, j+1)
		}
	}
}

// SetText is Set of a text value, which is escaped here.
func (c *Component) SetText(name, text string) {
	c.Set(Prop{Name: name, Value: escapeText(text)})
}

// Remove deletes all properties of these names.
func (c *Component) Remove(names ...string) {
	c.Props = slices.DeleteFunc(c.Props, func(p Prop) bool { return slices.Contains(names, p.Name) })
}

// Clone returns a deep copy.
func (c *Component) Clone() *Component {
	d := &Component{Name: c.Name, Props: make([]Prop, len(c.Props))}
	for i, p := range c.Props {
		params := slices.Clone(p.Params)
		for j := range params {
			params[j].Values = slices.Clone(params[j].Values)
		}
		p.Params = params
		d.Props[i] = p
	}
	for _, ch := range c.Children {
		d.Children = append(d.Children, ch.Clone())
	}
	return d
}

// Find calls fn for every component of that name at any depth, in order of the file.
func (c *Calendar) Find(name string, fn func(root, found *Component)) {
	var walk func(root, at *Component)
	walk = func(root, at *Component) {
		if at.Name == name {
			fn(root, at)
		}
		for _, ch := range at.Children {
			walk(root, ch)
		}
	}
	for _, root := range c.Components {
		walk(root, root)
	}
}
