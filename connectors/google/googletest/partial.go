package googletest

import (
	"encoding/json"
	"errors"
	"strings"
)

// partial returns what a fields parameter selects, as "items(id,start),nextPageToken" does.
func partial(body any, fields string) (any, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	tree, rest, err := parseFields(fields)
	if err != nil || rest != "" {
		return nil, errors.New("bad fields")
	}
	return tree.pick(v), nil
}

// selection is a tree of names; nil takes everything below.
type selection map[string]selection

func parseFields(s string) (selection, string, error) {
	out := selection{}
	for {
		end := strings.IndexAny(s, ",()")
		name := s
		if end >= 0 {
			name = s[:end]
		}
		if name == "" {
			return nil, "", errors.New("empty name")
		}
		if end < 0 {
			out[name] = nil
			return out, "", nil
		}
		s = s[end:]
		if strings.HasPrefix(s, "(") {
			sub, rest, err := parseFields(s[1:])
			if err != nil || !strings.HasPrefix(rest, ")") {
				return nil, "", errors.New("no closing bracket")
			}
			out[name], s = sub, rest[1:]
		} else {
			out[name] = nil
		}
		if !strings.HasPrefix(s, ",") {
			return out, s, nil
		}
		s = s[1:]
	}
}

func (sel selection) pick(v any) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = sel.pick(x[i])
		}
		return x
	case map[string]any:
		out := map[string]any{}
		for name, sub := range sel {
			if y, ok := x[name]; ok {
				if sub != nil {
					y = sub.pick(y)
				}
				out[name] = y
			}
		}
		return out
	}
	return v
}
