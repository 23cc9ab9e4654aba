package graph_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"lintel/connectors/graph/graphtest"
)

// metadata is Graph's own description of itself (OData CSDL), as far as requests need it.
type metadata struct {
	types   map[string]*csdlType // entity and complex types
	enums   map[string][]string
	sets    map[string]string // entity sets to their types
	actions []csdlOperation
	funcs   []csdlOperation
}

type csdlType struct {
	Name      string         `xml:"Name,attr"`
	Base      string         `xml:"BaseType,attr"`
	HasStream bool           `xml:"HasStream,attr"`
	Props     []csdlProperty `xml:"Property"`
	Navs      []csdlProperty `xml:"NavigationProperty"`
}

type csdlProperty struct {
	Name string `xml:"Name,attr"`
	Type string `xml:"Type,attr"`
}

type csdlOperation struct {
	Name   string         `xml:"Name,attr"`
	Params []csdlProperty `xml:"Parameter"`
}

// loadMetadata reads the corpus; nil without one.
var loadMetadata = sync.OnceValues(func() (*metadata, error) {
	dir := os.Getenv("LINTEL_CORPUS")
	if dir == "" {
		return nil, nil
	}
	b, err := os.ReadFile(filepath.Join(dir, "graph", "cleanMetadata-v1.0.xml"))
	if err != nil {
		return nil, err
	}
	var doc struct {
		Schemas []struct {
			Namespace string     `xml:"Namespace,attr"`
			Entities  []csdlType `xml:"EntityType"`
			Complexes []csdlType `xml:"ComplexType"`
			Enums     []struct {
				Name    string `xml:"Name,attr"`
				Members []struct {
					Name string `xml:"Name,attr"`
				} `xml:"Member"`
			} `xml:"EnumType"`
			Actions   []csdlOperation `xml:"Action"`
			Functions []csdlOperation `xml:"Function"`
			Sets      []struct {
				Name string `xml:"Name,attr"`
				Type string `xml:"EntityType,attr"`
			} `xml:"EntityContainer>EntitySet"`
		} `xml:"DataServices>Schema"`
	}
	if err := xml.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	m := &metadata{types: map[string]*csdlType{}, enums: map[string][]string{}, sets: map[string]string{}}
	for _, s := range doc.Schemas {
		if s.Namespace != "microsoft.graph" {
			continue
		}
		for _, t := range slices.Concat(s.Entities, s.Complexes) {
			m.types["graph."+t.Name] = &t
		}
		for _, e := range s.Enums {
			for _, v := range e.Members {
				m.enums["graph."+e.Name] = append(m.enums["graph."+e.Name], v.Name)
			}
		}
		m.actions, m.funcs = append(m.actions, s.Actions...), append(m.funcs, s.Functions...)
		for _, x := range s.Sets {
			m.sets[x.Name] = strings.Replace(x.Type, "microsoft.graph.", "graph.", 1)
		}
	}
	if len(m.types) < 1000 || len(m.sets) < 10 {
		return nil, fmt.Errorf("only %d types and %d sets found", len(m.types), len(m.sets))
	}
	return m, nil
})

// validate returns an observer that holds every request against the metadata; nil without a corpus.
func validate(t testing.TB) func(graphtest.Call) {
	t.Helper()
	m, err := loadMetadata()
	if err != nil {
		t.Fatal(err)
	}
	if m == nil {
		return nil
	}
	var mu sync.Mutex
	var found []string
	t.Cleanup(func() {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range found {
			t.Error(f)
		}
	})
	return func(c graphtest.Call) {
		if err := m.check(c); err != nil {
			mu.Lock()
			defer mu.Unlock()
			found = append(found, fmt.Sprintf("%s %s?%s %s: %v", c.Method, c.Path, c.Query, c.Body, err))
		}
	}
}

// property finds a property or navigation of a type or of one of its bases.
func (m *metadata) property(typ, name string) (csdlProperty, bool) {
	for t := m.types[typ]; t != nil; t = m.types[t.Base] {
		for _, p := range slices.Concat(t.Props, t.Navs) {
			if p.Name == name {
				return p, true
			}
		}
	}
	return csdlProperty{}, false
}

func (m *metadata) isA(typ, base string) bool {
	for ; typ != ""; typ = m.types[typ].Base {
		if typ == base {
			return true
		}
		if m.types[typ] == nil {
			return false
		}
	}
	return false
}

func element(typ string) (string, bool) {
	s, ok := strings.CutPrefix(typ, "Collection(")
	return strings.TrimSuffix(s, ")"), ok
}

// target is what a path leads to.
type target struct {
	typ    string // as in the metadata, perhaps a Collection
	action *csdlOperation
	stream bool
}

// walk follows a path, each segment by the metadata.
func (m *metadata) walk(path string) (target, error) {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	set, ok := m.sets[segments[0]]
	if !ok {
		return target{}, fmt.Errorf("no entity set %q", segments[0])
	}
	at := target{typ: "Collection(" + set + ")"}
	for _, s := range segments[1:] {
		s, err := url.PathUnescape(s)
		if err != nil {
			return at, err
		}
		if at.action != nil || at.stream {
			return at, fmt.Errorf("nothing follows before %q", s)
		}
		elem, many := element(at.typ)
		cast := strings.Replace(s, "microsoft.graph.", "graph.", 1)
		switch {
		case many && cast != s:
			if !m.isA(cast, elem) {
				return at, fmt.Errorf("%s is no %s", cast, elem)
			}
			at.typ = "Collection(" + cast + ")"
		case many && m.operation(m.funcs, s, at.typ) != nil:
		case many:
			at.typ = elem // a key
		case s == "$value":
			if at.stream = m.streams(at.typ); !at.stream {
				return at, fmt.Errorf("%s has no stream", at.typ)
			}
		default:
			if p, ok := m.property(at.typ, s); ok {
				at.typ = p.Type
			} else if at.action = m.operation(m.actions, s, at.typ); at.action == nil {
				return at, fmt.Errorf("%s has no %q", at.typ, s)
			}
		}
	}
	return at, nil
}

func (m *metadata) streams(typ string) bool {
	for name, t := range m.types {
		if t.HasStream && m.isA(name, typ) {
			return true
		}
	}
	return false
}

func (m *metadata) operation(list []csdlOperation, name, bound string) *csdlOperation {
	for _, o := range list {
		if o.Name == name && len(o.Params) > 0 && o.Params[0].Type == bound {
			return &o
		}
	}
	return nil
}

// check holds one request against the metadata.
func (m *metadata) check(c graphtest.Call) error {
	if strings.Contains(c.Path, "/oauth2/") || c.Path == "/$batch" {
		return nil // what a batch holds is seen by itself
	}
	at, err := m.walk(c.Path)
	if err != nil {
		return err
	}
	elem, many := element(at.typ)
	values, err := url.ParseQuery(c.Query)
	if err != nil {
		return err
	}
	for name, v := range values {
		if err := m.option(elem, many, strings.HasSuffix(c.Path, "/delta"), name, v[0]); err != nil {
			return err
		}
	}
	var body any
	if c.Body != "" {
		if err := json.Unmarshal([]byte(c.Body), &body); err != nil {
			return err
		}
	}
	switch {
	case c.Method == http.MethodGet || c.Method == http.MethodDelete:
		if c.Body != "" || at.action != nil || c.Method == http.MethodDelete && many {
			return fmt.Errorf("no place for %s, or a body", c.Method)
		}
		return nil
	case at.action != nil:
		return m.params(at.action, c.Method, body)
	case c.Method == http.MethodPost && many, c.Method == http.MethodPatch && !many:
		return m.value(elem, body)
	}
	return fmt.Errorf("no place for %s", c.Method)
}

var (
	expandPattern = regexp.MustCompile(`^(\w+)\(\$filter=(.+)\)$`)
	namePattern   = regexp.MustCompile(`(?:^| or )(\w+) eq '`)
	anyPattern    = regexp.MustCompile(`^(\w+)/Any\(ep: ep/(\w+) eq '[^']+' and ep/(\w+) eq '[^']+'\)$`)
)

// option checks one query option for a type.
func (m *metadata) option(typ string, many, delta bool, name, v string) error {
	has := func(typ string, names ...string) error {
		for _, n := range names {
			if _, ok := m.property(typ, n); !ok {
				return fmt.Errorf("%s has no %q", typ, n)
			}
		}
		return nil
	}
	nav := func(n string) (string, error) {
		p, ok := m.property(typ, n)
		elem, isMany := element(p.Type)
		if !ok || !isMany || m.types[elem] == nil {
			return "", fmt.Errorf("%s has no collection %q", typ, n)
		}
		return elem, nil
	}
	switch name {
	case "$select":
		return has(typ, strings.Split(v, ",")...)
	case "$expand":
		g := expandPattern.FindStringSubmatch(v)
		if g == nil {
			return fmt.Errorf("$expand %q", v)
		}
		elem, err := nav(g[1])
		if err != nil {
			return err
		}
		names := namePattern.FindAllStringSubmatch(g[2], -1)
		for _, n := range names {
			if err := has(elem, n[1]); err != nil {
				return err
			}
		}
		if len(names) == 0 {
			return fmt.Errorf("$expand %q", v)
		}
		return nil
	case "$filter":
		g := anyPattern.FindStringSubmatch(v)
		if g == nil {
			return fmt.Errorf("$filter %q", v)
		}
		elem, err := nav(g[1])
		if err != nil {
			return err
		}
		return has(elem, g[2], g[3])
	case "$top", "$skip", "startDateTime", "endDateTime":
		if many {
			return nil
		}
	case "$deltatoken", "$skiptoken":
		if delta {
			return nil
		}
	}
	return fmt.Errorf("no place for the option %s", name)
}

// params checks the body of an action. Graph takes their names in any case.
func (m *metadata) params(o *csdlOperation, method string, body any) error {
	fields, ok := body.(map[string]any)
	if !ok || method != http.MethodPost {
		return fmt.Errorf("%s is called by POST with an object", o.Name)
	}
	for name, v := range fields {
		i := slices.IndexFunc(o.Params[1:], func(p csdlProperty) bool { return strings.EqualFold(p.Name, name) })
		if i < 0 {
			return fmt.Errorf("%s has no parameter %q", o.Name, name)
		}
		if err := m.value(o.Params[1+i].Type, v); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// value checks a JSON value for a type.
func (m *metadata) value(typ string, v any) error {
	if elem, many := element(typ); many {
		list, ok := v.([]any)
		if !ok {
			return fmt.Errorf("%v is no list", v)
		}
		for _, x := range list {
			if err := m.value(elem, x); err != nil {
				return err
			}
		}
		return nil
	}
	ok := false
	switch typ {
	case "Edm.String", "Edm.DateTimeOffset":
		_, ok = v.(string)
	case "Edm.Boolean":
		_, ok = v.(bool)
	case "Edm.Int32":
		_, ok = v.(float64)
	default:
		if members := m.enums[typ]; members != nil {
			s, isText := v.(string)
			ok = isText && slices.Contains(members, s)
			break
		}
		fields, isObject := v.(map[string]any)
		if !isObject || m.types[typ] == nil {
			return fmt.Errorf("%v is no %s", v, typ)
		}
		for name, x := range fields {
			p, found := m.property(typ, name)
			if !found {
				return fmt.Errorf("%s has no %q", typ, name)
			}
			if err := m.value(p.Type, x); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	if !ok {
		return fmt.Errorf("%v is no %s", v, typ)
	}
	return nil
}
