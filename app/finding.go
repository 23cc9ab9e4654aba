package app

import (
	"strings"
	"time"

	"lintel/templates/text"
)

// finding is one thing that was looked at, before it is said in somebody's language.
type finding struct {
	Level Level
	Check text.Said // a word or two
	Text  text.Said // a sentence
	Cure  text.Said // what to do; zero where nothing is to be done
	Run   string    // a command beside the cure; "" for none
}

// cured is what to do about a finding; the zero cured is nothing.
type cured struct {
	say text.Said
	run string
}

func cure(key string) cured { return cureBy(key, "") }

func cureBy(key, run string) cured { return cured{say: text.Of(key), run: run} }

// command is a cure that consists of one command.
func command(run string) cured { return cureBy("doctor.cure_run", run) }

// ok, warn and fail make a finding of the keys of its texts; args are the sentence's.

func ok(check, key string, args ...any) finding {
	return finding{Level: LevelOK, Check: text.Of(check), Text: text.Of(key, args...)}
}

func warn(check string, c cured, key string, args ...any) finding {
	return finding{Level: LevelWarn, Check: text.Of(check), Text: text.Of(key, args...), Cure: c.say, Run: c.run}
}

func fail(check string, c cured, key string, args ...any) finding {
	return finding{Level: LevelFail, Check: text.Of(check), Text: text.Of(key, args...), Cure: c.say, Run: c.run}
}

// inEnglish says findings as the command line prints them, by this machine's clock.
func inEnglish(found []finding) []Finding {
	p := text.For(text.English)
	out := make([]Finding, len(found))
	for i, f := range found {
		check := p.Say(f.Check, time.Local)
		out[i] = Finding{
			Level: f.Level, Check: strings.ToLower(check[:1]) + check[1:], Text: p.Say(withZone(f.Text), time.Local),
			Cure: strings.TrimSpace(p.Say(f.Cure, time.Local) + " " + f.Run),
		}
	}
	return out
}

// jobName names a background job.
func jobName(name string) text.Said { return text.Of("job." + strings.ReplaceAll(name, " ", "_")) }
