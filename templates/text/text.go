// Package text holds every word that Lintel says to a person, in each of its languages, and prints times, numbers and plurals the way
// that language writes them.
//
// A language is one file beside this one (en.json, de.json, …): key → text, or key → {"one": …, "other": …} for plurals, with
// placeholders as {{.Name}}, or {n} for a number that is filled in where a picture is drawn. A test holds the files to the same keys and
// the same placeholders. No other package knows go-i18n or CLDR.
package text

import (
	"embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/de_CH"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/fr_CH"
	"github.com/go-playground/locales/it_CH"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Lang is a language that Lintel speaks, as its two-letter code of BCP 47. The zero value is spoken as English.
type Lang string

// The languages, each with a file of texts.
const (
	English Lang = "en"
	German  Lang = "de"
	French  Lang = "fr"
	Italian Lang = "it"
)

// Langs lists the languages in the order in which a menu shows them.
func Langs() []Lang { return []Lang{English, German, French, Italian} }

// Known reports whether l has a file of texts.
func (l Lang) Known() bool {
	switch l {
	case English, German, French, Italian:
		return true
	}
	return false
}

//go:embed en.json de.json fr.json it.json
var files embed.FS

// Each language is read once, on first use, and never changes: most houses speak one or two.
var (
	english = sync.OnceValue(func() *Printer { return load(English) })
	german  = sync.OnceValue(func() *Printer { return load(German) })
	french  = sync.OnceValue(func() *Printer { return load(French) })
	italian = sync.OnceValue(func() *Printer { return load(Italian) })
)

// load panics when an embedded file can't be read: that is a broken build, which every test of this package notices.
func load(lang Lang) *Printer {
	bundle := i18n.NewBundle(language.MustParse(string(lang)))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	if _, err := bundle.LoadMessageFileFS(files, string(lang)+".json"); err != nil {
		panic(fmt.Sprintf("read the embedded texts of %q: %v", lang, err))
	}
	return &Printer{lang: lang, texts: i18n.NewLocalizer(bundle, string(lang)), cldr: cldr(lang)}
}

// matcher chooses among the languages, in the order of Langs.
var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, lang := range Langs() {
		tags = append(tags, language.MustParse(string(lang)))
	}
	return language.NewMatcher(tags)
})

// cldr picks the regional form in which days, months and numbers are written: day before month and a 24-hour clock everywhere.
func cldr(lang Lang) locales.Translator {
	switch lang {
	case German:
		return de_CH.New()
	case French:
		return fr_CH.New()
	case Italian:
		return it_CH.New()
	}
	return en_GB.New()
}

// For returns the printer of a language, English for one that has no texts. It is safe for use by many goroutines.
func For(lang Lang) *Printer {
	switch lang {
	case German:
		return german()
	case French:
		return french()
	case Italian:
		return italian()
	}
	return english()
}

// Match picks the language that suits an Accept-Language header best (RFC 9110 §12.5.4): English when none does.
func Match(acceptLanguage string) Lang {
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return English
	}
	_, i, confidence := matcher().Match(wanted...)
	if confidence == language.No {
		return English
	}
	return Langs()[i]
}
