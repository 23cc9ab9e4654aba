package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"lintel/app/people"
	"lintel/store"
)

// missing skips a test that needs something which is not installed; where CI=true it has to be.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// chromium returns a browser's program.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("LINTEL_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			return path
		}
	}
	missing(t, "Chromium is not installed: apt-get install chromium")
	return ""
}

// axe returns the source of axe-core.
func axe(t *testing.T) string {
	t.Helper()
	paths := []string{os.Getenv("LINTEL_AXE")}
	for dir := "."; len(dir) < 20; dir = filepath.Join("..", dir) {
		paths = append(paths, filepath.Join(dir, "node_modules", "axe-core", "axe.min.js"))
	}
	for _, path := range paths {
		if source, err := os.ReadFile(path); err == nil {
			return string(source)
		}
	}
	missing(t, "axe-core is not installed: npm install axe-core, or LINTEL_AXE=path/to/axe.min.js")
	return ""
}

// liveURL serves a portal on loopback, with a clock that goes on.
func liveURL(t *testing.T, p *portal) string {
	t.Helper()
	p.goOn()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r) }))
	srv.Start()
	t.Cleanup(srv.Close)
	t.Cleanup(p.EndStreams)
	return srv.URL
}

// tab opens a browser's tab, of its own profile.
func tab(t *testing.T, script bool) (context.Context, *[]string) {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute),
	)
	alloc, cancel := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	whole, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	c, cancel := context.WithTimeout(whole, 12*time.Minute)
	t.Cleanup(cancel)
	t.Cleanup(func() { _ = chromedp.Cancel(whole) }) // waits until the browser has left its folder
	said := &[]string{}                              // errors of the console: a policy that is broken, a script that fails
	chromedp.ListenTarget(c, func(ev any) {
		switch e := ev.(type) {
		case *log.EventEntryAdded:
			if e.Entry.Level == log.LevelError && !strings.Contains(e.Entry.Text, "status of 422") {
				*said = append(*said, e.Entry.Text+" "+e.Entry.URL)
			}
		case *runtime.EventExceptionThrown:
			*said = append(*said, e.ExceptionDetails.Error())
		}
	})
	must(t, chromedp.Run(c, log.Enable(), emulation.SetScriptExecutionDisabled(!script), emulation.SetLocaleOverride().WithLocale("en-GB")))
	return c, said
}

func signInAs(login, url string) chromedp.Tasks {
	return chromedp.Tasks{
		chromedp.Navigate(url + "/sign-in"), chromedp.SendKeys("#login", login, chromedp.ByQuery), chromedp.SendKeys("#password", password, chromedp.ByQuery),
		chromedp.Click(`form.sign-in button`, chromedp.ByQuery), chromedp.WaitVisible(".tiles, .empty", chromedp.ByQuery),
	}
}

// A person signs in, books a room, sees it on Today; another window hears of it by itself.
func TestBrowserBooksARoom(t *testing.T) {
	t.Parallel()
	c, said := tab(t, true)
	p, url := livePortal(t)
	var other, today string
	second, cancel := chromedp.NewContext(c)
	defer cancel()
	must(t, chromedp.Run(c, signInAs("boss", url)))
	must(t, chromedp.Run(second, chromedp.Navigate(url+"/today"), chromedp.WaitVisible("#board", chromedp.ByQuery)))
	must(t, chromedp.Run(c,
		chromedp.Navigate(url+"/bookings/new?room="+string(p.room)),
		chromedp.SendKeys("#subject", "Quarterly planning", chromedp.ByQuery),
		chromedp.Click(`form.form .form-end button`, chromedp.ByQuery),
		chromedp.WaitVisible(".notice-said", chromedp.ByQuery),
		chromedp.Navigate(url+"/today"),
		chromedp.Text("#room-"+string(p.room), &today, chromedp.ByQuery),
	))
	must(t, chromedp.Run(second, chromedp.Poll(`document.querySelector("#board").textContent.includes("Quarterly planning")`, nil), chromedp.Text("#board", &other, chromedp.ByQuery)))
	if !strings.Contains(today, "Quarterly planning") || !strings.Contains(today, "Person boss") {
		t.Errorf("Today says %q", today)
	}
	if len(*said) > 0 {
		t.Errorf("the console says %q", *said)
	}
}

func livePortal(t *testing.T) (*portal, string) {
	t.Helper()
	p := furnished(t)
	url := liveURL(t, p)
	p.BaseURL = parseURL(t, url)
	must(t, p.Places.SetOpeningHours(ctx, people.ActorOf(p.boss()), p.building, everyHour()))
	return p, url
}

// The same without script: every form is a plain form.
func TestBrowserWithoutScript(t *testing.T) {
	t.Parallel()
	c, _ := tab(t, false)
	p, url := livePortal(t)
	var today string
	must(t, chromedp.Run(c, signInAs("boss", url),
		chromedp.Navigate(url+"/bookings/new?room="+string(p.room)),
		chromedp.SendKeys("#subject", "Without script", chromedp.ByQuery),
		chromedp.Click(`form.form .form-end button`, chromedp.ByQuery),
		chromedp.WaitVisible(".notice-said", chromedp.ByQuery),
		chromedp.Navigate(url+"/today"), chromedp.Text("#board", &today, chromedp.ByQuery),
		chromedp.Navigate(url+"/displays"), chromedp.WaitVisible("main h1", chromedp.ByQuery),
		chromedp.Navigate(url+"/settings/places/buildings/new"), chromedp.WaitVisible("main h1", chromedp.ByQuery),
	))
	if !strings.Contains(today, "Without script") {
		t.Errorf("Today says %q", today)
	}
}

// With script a question opens as a dialog: it can be left, and takes its answer. Without, it is a page of its own.
func TestBrowserAsksFirst(t *testing.T) {
	t.Parallel()
	c, said := tab(t, true)
	plain, _ := tab(t, false)
	p, url := livePortal(t)
	path := "/settings/people/" + string(p.account("leaver").ID)
	disabled := func() bool {
		t.Helper()
		list, _, err := p.People.List(ctx, setup, people.Query{Search: "leaver"})
		must(t, err)
		return !list[0].DisabledAt.IsZero()
	}
	var title string
	ask := chromedp.Tasks{chromedp.Navigate(url + path), chromedp.Click(`a[data-ask]`, chromedp.ByQuery), chromedp.WaitVisible("dialog h2", chromedp.ByQuery)}
	must(t, chromedp.Run(c, signInAs("boss", url), ask, chromedp.Text("dialog h2", &title, chromedp.ByQuery),
		chromedp.Click("dialog [data-keep]", chromedp.ByQuery), chromedp.WaitNotPresent("dialog", chromedp.ByQuery)))
	if title != "Disable the account of Person leaver?" || disabled() {
		t.Errorf("the dialog asks %q; the account is disabled before it was answered: %v", title, disabled())
	}
	must(t, chromedp.Run(c, ask, chromedp.Click("dialog .button-danger-primary", chromedp.ByQuery), chromedp.WaitVisible(".notice-said", chromedp.ByQuery)))
	if !disabled() {
		t.Error("the dialog's answer did nothing")
	}
	must(t, p.People.SetDisabled(ctx, setup, store.AccountID(strings.TrimPrefix(path, "/settings/people/")), false))
	must(t, chromedp.Run(plain, signInAs("boss", url), chromedp.Navigate(url+path), chromedp.Click(`a[data-ask]`, chromedp.ByQuery),
		chromedp.WaitVisible("form[data-question]", chromedp.ByQuery), chromedp.Click(".button-danger-primary", chromedp.ByQuery), chromedp.WaitVisible(".notice-said", chromedp.ByQuery)))
	if !disabled() {
		t.Error("the page's answer did nothing")
	}
	if len(*said) > 0 {
		t.Errorf("the console says %q", *said)
	}
}

// A new building begins with the browser's zone, also where the browser calls it by an older name.
func TestBrowserTellsItsZone(t *testing.T) {
	t.Parallel()
	c, _ := tab(t, true)
	_, url := livePortal(t)
	must(t, chromedp.Run(c, signInAs("boss", url)))
	for zone, want := range map[string]string{"America/Santiago": "America/Santiago", "Asia/Kolkata": "Asia/Kolkata", "Asia/Calcutta": "Asia/Kolkata"} {
		var got string
		must(t, chromedp.Run(c, emulation.SetTimezoneOverride(zone), chromedp.Navigate(url+"/settings/places/buildings/new"),
			chromedp.WaitVisible("#zone", chromedp.ByQuery), chromedp.Poll(`!document.querySelector("[data-guess-zone]")`, nil), chromedp.Value("#zone", &got, chromedp.ByQuery)))
		if got != want {
			t.Errorf("in %s the form has %q", zone, got)
		}
	}
}

// axe finds nothing serious on any page, light and dark, on a desk and in a hand.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("draws every page several times")
	}
	source := axe(t)
	c, said := tab(t, true)
	p, real := rich(t, saturday(t))
	url := liveURL(t, p)
	p.BaseURL = parseURL(t, url)
	shots := os.Getenv("LINTEL_SHOTS")
	check := func(path, theme string, width, height int64) {
		t.Helper()
		var raw string
		must(t, chromedp.Run(c,
			emulation.SetDeviceMetricsOverride(width, height, 1, width < 600),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}, {Name: "prefers-reduced-motion", Value: "reduce"}}),
			chromedp.Navigate(url+path), chromedp.WaitVisible("main", chromedp.ByQuery),
			chromedp.Evaluate(source, nil),
			chromedp.Evaluate(`axe.run({resultTypes:["violations"]}).then(r => JSON.stringify(r.violations
				.filter(v => v.impact === "serious" || v.impact === "critical")
				.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | "))))`, &raw,
				func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
		))
		var found []string
		must(t, json.Unmarshal([]byte(raw), &found))
		for _, f := range found {
			t.Errorf("%s, %s, %d wide: %s", path, theme, width, f)
		}
		var wide int64
		must(t, chromedp.Run(c, chromedp.Evaluate(`document.documentElement.scrollWidth`, &wide)))
		if wide > width {
			t.Errorf("%s is %d wide in a window of %d", path, wide, width)
		}
		if shots != "" {
			var png []byte
			must(t, chromedp.Run(c, chromedp.FullScreenshot(&png, 90)))
			name := strings.NewReplacer("/", "_", "?", "_", "=", "_", "&", "_").Replace(strings.Trim(path, "/"))
			must(t, os.WriteFile(filepath.Join(shots, fmt.Sprintf("%s-%s-%d.png", name, theme, width)), png, 0o600))
		}
	}
	both := func(path string) {
		check(path, "light", 1280, 900)
		check(path, "dark", 390, 844)
	}
	both("/sign-in")
	both(real["/password/{token}"])
	must(t, chromedp.Run(c, signInAs("boss", url)))
	for _, route := range p.routes() {
		path := fill(route.pattern, real)
		page := route.method == "GET" && route.need != open && route.need != public && !strings.HasSuffix(path, ".csv") && !strings.HasSuffix(path, ".pem") &&
			!strings.HasSuffix(path, "/card") && !strings.Contains(route.pattern, "{picture}") && !strings.Contains(route.pattern, "{file}") && path != eventsPath
		if page {
			both(path)
		}
	}
	check("/today", "dark", 1280, 900)
	check("/today", "light", 390, 844)
	for _, kind := range p.Calendars.Kinds() {
		both("/settings/systems/new?kind=" + kind)
	}
	signed := strings.TrimSuffix(real["/settings/systems/{id}/successor"], "/successor")
	both(signed)
	both(signed + "/edit")
	both("/setup/system?kind=ews")
	both("/setup/system?system=" + strings.TrimPrefix(signed, systemsPath+"/"))
	both("/bookings?date=" + p.now().AddDate(0, 0, 2).Format(time.DateOnly) + "&from=09:00&length=60")
	both(real["/rooms/{id}"] + "?view=week")
	both("/nothing")
	for _, line := range *said {
		if !strings.Contains(line, "404") {
			t.Errorf("the console says %q", line)
		}
	}
}
