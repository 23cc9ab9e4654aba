package templates

import (
	"github.com/a-h/templ"

	"lintel/templates/ui"
)

// What the device listener sends: see displays.Panel.
const (
	panelBusy = `{"now":1795266300000,"offset":3600,"build":"1","panel":{"screen":"room","lang":"en","state":"busy","room":"Matterhorn","word":"Busy","until":"until 15:00, then booked","subject":"Quarterly planning","detail":"Anna Keller","facts":["12 seats"],"date":"Sat 21 Nov","next_title":"Next","next":[{"time":"15:00 – 15:30","title":"Sales stand-up"},{"time":"15:30 – 16:30","title":"Supplier visit: Müller & Söhne, with a very long subject"},{"time":"17:00 – 18:00","title":"Private"}],"bar":{"from":1795244400,"to":1795280400,"busy":[[1795248000,1795253400],[1795262400,1795269600]],"present":[1795262400,1795269600],"ticks":[{"at":1795244400,"label":"8"},{"at":1795251600,"label":"10"},{"at":1795258800,"label":"12"},{"at":1795266000,"label":"14"},{"at":1795273200,"label":"16"},{"at":1795280400,"label":"18"}]}}}`
	panelFree = `{"now":1795266300000,"offset":3600,"build":"1","panel":{"screen":"room","lang":"de","state":"free","room":"Grosses Sitzungszimmer Donaudampfschifffahrt","word":"Frei","until":"den ganzen Tag","facts":["12 Plätze","Bildschirm"],"date":"Sa., 21. Nov.","as_of":"Stand 13:40","next_title":"Danach","next_empty":"Heute nichts mehr."}}`
	panelCode = `{"now":1795266300000,"offset":0,"build":"1","panel":{"screen":"claim","lang":"en","title":"New display","code":"7F3K-92","body":"Enter this code under Displays in Lintel","lines":["https://rooms.example.com/displays"]}}`
)

func panelSamples() []sample {
	at := func(news string) func(ui.Shell) templ.Component {
		return func(sh ui.Shell) templ.Component { return PanelPage(Panel{Lang: sh.Lang(), News: news}) }
	}
	return []sample{
		{name: "panel", bare: true, page: at(panelBusy)},
		{name: "panel-free", bare: true, page: at(panelFree)},
		{name: "panel-code", bare: true, page: at(panelCode)},
	}
}
