package places_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"lintel/app/people"
	"lintel/app/places"
	"lintel/app/problem"
	"lintel/store"
)

func TestImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b := h.building("Bahnhofstrasse")
	rigi := h.room(h.floor(b, "EG", 0), "Rigi")
	h.room(h.floor(b, "UG", -1), "Pilatus")
	file := strings.Join([]string{
		"Building;Floor;Level;Name;Kind;Seats;Equipment;Bookable",
		`bahnhofstrasse;EG;0;Rigi;room;12;"Screen, Phone";ja`,
		"Bahnhofstrasse;1. Stock;1;Säntis;huddle;4;;yes",
		"Bahnhofstrasse;1. Stock;1;Tödi;desk;1;;no",
		";;;;;;;",
		"Bahnhofstrasse;UG;-1;Pilatus;room;6;;",
	}, "\r\n")
	for name, text := range map[string][]byte{
		"UTF-8":        []byte(file),
		"with a mark":  append([]byte("\xef\xbb\xbf"), file...),
		"Windows-1252": bytes.ReplaceAll(bytes.ReplaceAll([]byte(file), []byte("ä"), []byte{0xe4}), []byte("ö"), []byte{0xf6}),
		"commas":       []byte(strings.ReplaceAll(file, ";", ",")),
		"tabs":         []byte(strings.ReplaceAll(file, ";", "\t")),
	} {
		p, err := h.s.PreviewImport(ctx, admin, text, "")
		if err != nil || p.New != 2 || p.Changed != 1 || p.Same != 1 || p.Bad != 0 {
			t.Errorf("%s: %+v, %v", name, p, err)
			continue
		}
		l := p.Lines[1]
		if l.Line != 3 || l.Workspace.Name != "Säntis" || l.Workspace.Kind != store.Huddle || !l.NewFloor || l.Action != places.ImportNew {
			t.Errorf("%s: %+v", name, l)
		}
	}
	h.changed = nil
	got, err := h.s.Import(ctx, admin, []byte(file), "")
	if err != nil || got.New != 2 || got.Changed != 1 || len(h.changed) != 3 {
		t.Errorf("%+v, %v, told %v", got, err, h.changed)
	}
	p, err := h.s.Workspace(ctx, user(), rigi)
	if diff := cmp.Diff([]string{"Screen", "Phone"}, p.Workspace.Equipment); diff != "" || p.Workspace.Seats != 12 || err != nil {
		t.Errorf("%+v, %v", p, err)
	}
	list, err := h.s.Workspaces(ctx, user(), store.WorkspaceFilter{Building: b})
	if err != nil || len(list) != 4 || list[3].Floor.Name != "1. Stock" || list[3].Floor.Level != 1 || list[3].Workspace.Bookable {
		t.Errorf("%+v, %v", list, err)
	}
	again, err := h.s.Import(ctx, admin, []byte(file), "")
	if err != nil || again.Same != 4 {
		t.Errorf("once more: %+v, %v", again, err)
	}
	if sample, err := h.s.PreviewImport(ctx, admin, places.ImportSample(), ""); err != nil || sample.New != 1 {
		t.Errorf("the sample: %+v, %v", sample, err)
	}
}

// Every bad line is told with its number and column, and then nothing at all is imported.
func TestImportErrors(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b := h.building("Main")
	c := h.building("Other")
	file := strings.Join([]string{
		"building,floor,name,kind,seats,bookable",
		"Main,EG,Good,room,4,yes",
		"Nowhere,EG,A,room,4,yes",
		"Main,,B,room,4,yes",
		"Main,EG,,room,4,yes",
		"Main,EG,C,hall,many,perhaps",
		"Main,EG,good,room,4,yes",
		"Main,EG,D,room,4",
		"Other,EG,E,room,4,yes",
	}, "\n")
	want := map[int]string{3: "building", 4: "floor", 5: "name", 6: "kind seats bookable", 7: "name", 8: "file", 9: "building"}
	got, err := h.s.Import(ctx, manager(b), []byte(file), "")
	wantProblem(t, err, "places.import_bad")
	for _, l := range got.Lines {
		var columns []string
		for _, p := range l.Errors {
			for column := range p.Fields {
				columns = append(columns, column)
			}
		}
		if strings.Join(columns, " ") != want[l.Line] {
			t.Errorf("line %d blames %v, want %q", l.Line, columns, want[l.Line])
		}
	}
	if got.Bad != len(want) || got.New != 1 {
		t.Errorf("%+v", got)
	}
	for _, id := range []store.BuildingID{b, c} {
		if list, err := h.s.Workspaces(ctx, admin, store.WorkspaceFilter{Building: id}); len(list) != 0 || err != nil {
			t.Errorf("imported %v, %v", list, err)
		}
	}
	many := "building,floor,name\n"
	for i := range places.ImportLines + 1 {
		many += fmt.Sprintf("Main,EG,R%d\n", i)
	}
	for name, c := range map[string]struct{ text, key string }{
		"empty":          {"", "places.import_unreadable"},
		"header only":    {"building,floor,name\n\n", "places.import_empty"},
		"unknown column": {"building,floor,name,colour\nMain,EG,A,red", "places.import_column"},
		"twice a column": {"building,floor,name,name\nMain,EG,A,A", "places.import_column"},
		"no name":        {"building,floor\nMain,EG", "places.import_no_column"},
		"no table":       {"building,floor,name\n\"Main,EG", "places.import_unreadable"},
		"too long":       {many, "places.import_long"},
		"too large":      {strings.Repeat("x", places.ImportBytes+1), "places.import_large"},
	} {
		_, err := h.s.PreviewImport(ctx, admin, []byte(c.text), "")
		wantProblem(t, err, c.key)
		if p := problem.Of(err); p != nil && p.Fields["file"] == "" {
			t.Errorf("%s blames %v", name, p.Fields)
		}
	}
	for _, a := range []people.Actor{user(), {}} {
		_, err := h.s.PreviewImport(ctx, a, []byte(file), "")
		wantProblem(t, err, "people.forbidden")
	}
}

// Lines that name no floor come to the one that the page names.
func TestImportOntoAFloor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ctx := context.Background()
	b, other := h.building("Main"), h.building("Other")
	f := h.floor(b, "EG", 0)
	got, err := h.s.Import(ctx, manager(b), []byte("name,seats\nRigi,4\nSäntis,6\n"), f)
	if err != nil || got.New != 2 || got.Lines[0].NewFloor {
		t.Errorf("%+v, %v", got, err)
	}
	got, err = h.s.Import(ctx, admin, []byte("building,floor,name\nOther,OG,A\n,UG,B\n,,C\n"), f)
	if err != nil || got.New != 3 || got.Lines[0].Building != "Other" || got.Lines[1].Floor != "UG" || got.Lines[2].Floor != "EG" {
		t.Errorf("%+v, %v", got, err)
	}
	if list, err := h.s.Workspaces(ctx, admin, store.WorkspaceFilter{Building: other}); len(list) != 1 || err != nil {
		t.Errorf("%+v, %v", list, err)
	}
	got, err = h.s.Import(ctx, manager(other), []byte("name\nTödi\n"), f)
	wantProblem(t, err, "places.import_bad")
	if len(got.Lines) != 1 || got.Lines[0].Errors[0].Key != "people.forbidden" {
		t.Errorf("%+v", got)
	}
	_, err = h.s.PreviewImport(ctx, admin, []byte("name\nTödi\n"), "nothing")
	wantProblem(t, err, "places.no_floor")
}
