package ui

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"lintel/templates/text"
)

func escape(value string) string { return url.QueryEscape(value) }

// themeAttr leaves the attribute out for the system's theme, so that the style sheet follows the device.
func themeAttr(theme Theme) templ.Attributes {
	if theme == Light || theme == Dark {
		return templ.Attributes{"data-theme": string(theme)}
	}
	return nil
}

func pressed(is bool) string {
	if is {
		return "true"
	}
	return "false"
}

func langCode(lang text.Lang) string { return strings.ToUpper(string(lang)) }

// noticeRole makes a screen reader say a failure at once and a success when it is idle.
func noticeRole(wrong bool) string {
	if wrong {
		return "alert"
	}
	return "status"
}
