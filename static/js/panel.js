// The panel on a wall: shows what the server says, keeps its own clock between, and heals itself. Nobody stands by to reload it, so
// every way in which a stream can die is covered: a stream that ended for good is made anew, one that went silent is given up, sleep
// and networks that come back are noticed, and a slow poll runs beside all that. It works in the old browsers of cheap tablets.
(function () {
  "use strict";

  var BEAT_LOST = 50000; // the server gives a sign of life every 20 s
  var POLL = 60000;
  var BACKOFF_FIRST = 1000;
  var BACKOFF_LAST = 60000;
  var RELOAD_GAP = 30000; // between two reloads, so that a broken server is not stormed

  var root = document.getElementById("panel");
  var base = location.pathname.replace(/\/+$/, "");
  var news = null; // the last news
  var build = ""; // of the page
  var shown = ""; // what is drawn, as text
  var ahead = 0; // the server's clock less ours, in milliseconds
  var heard = 0; // when the server was last heard, on our clock
  var source = null;
  var backoff = BACKOFF_FIRST;
  var again = 0; // timer of the next stream
  var clock = null;
  var mark = null;
  var lost = null;

  function now() {
    return Date.now() + ahead;
  }

  // wall writes a moment as the building's clock shows it. It is the server's offset that counts, not the tablet's zone.
  function wall(ms) {
    var d = new Date(ms + (news && news.offset ? news.offset : 0) * 1000);
    return ("0" + d.getUTCHours()).slice(-2) + ":" + ("0" + d.getUTCMinutes()).slice(-2);
  }

  function make(tag, className, text) {
    var e = document.createElement(tag);
    if (className) e.className = className;
    if (text) e.textContent = text;
    return e;
  }

  function add(parent, tag, className, text) {
    var e = make(tag, className, text);
    parent.appendChild(e);
    return e;
  }

  function shape(parent, tag, attributes) {
    var e = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (var name in attributes) e.setAttribute(name, attributes[name]);
    parent.appendChild(e);
    return e;
  }

  function percent(at, bar) {
    return (Math.min(Math.max((at - bar.from) / (bar.to - bar.from), 0), 1) * 100).toFixed(3) + "%";
  }

  function length(from, to, bar) {
    return (parseFloat(percent(to, bar)) - parseFloat(percent(from, bar))).toFixed(3) + "%";
  }

  function drawBar(parent, bar) {
    var svg = shape(parent, "svg", { class: "panel-bar", height: "64", "aria-hidden": "true" });
    shape(svg, "rect", { class: "panel-bar-day", x: "0", y: "8", width: "100%", height: "28", rx: "4" });
    (bar.busy || []).forEach(function (span) {
      shape(svg, "rect", { class: "panel-bar-busy", x: percent(span[0], bar), y: "8", width: length(span[0], span[1], bar), height: "28", rx: "4" });
    });
    (bar.ticks || []).forEach(function (tick) {
      var x = percent(tick.at, bar);
      var anchor = x === "0.000%" ? "start" : x === "100.000%" ? "end" : "middle";
      shape(svg, "text", { class: "panel-bar-hour", x: x, y: "60", "text-anchor": anchor }).textContent = tick.label;
    });
    mark = shape(svg, "line", { class: "panel-bar-now", y1: "0", y2: "44" });
  }

  function drawRoom(p) {
    var field = add(root, "section", "panel-state panel-" + (p.state || "closed"));
    add(field, "h1", "panel-room", p.room);
    var big = add(field, "div", "panel-big");
    add(big, "p", "panel-word", p.word);
    if (p.until) add(big, "p", "panel-until", p.until);
    var about = add(field, "div", "panel-about");
    if (p.subject) add(about, "p", "panel-subject", p.subject);
    if (p.detail) add(about, "p", "panel-detail", p.detail);
    (p.facts || []).forEach(function (fact) {
      add(about, "p", "panel-detail", fact);
    });

    var side = add(root, "section", "panel-side");
    var top = add(side, "header", "panel-top");
    clock = add(top, "p", "panel-clock");
    if (p.date) add(top, "p", "panel-date", p.date);
    if (p.next_title) add(side, "h2", "panel-next", p.next_title);
    var list = add(side, "ul", "panel-list");
    (p.next || []).forEach(function (row) {
      var item = add(list, "li");
      add(item, "p", "panel-time", row.time);
      add(item, "p", "panel-title", row.title);
    });
    if (!(p.next || []).length && p.next_empty) add(side, "p", "panel-empty", p.next_empty);

    var foot = add(root, "footer", "panel-foot");
    if (p.bar && p.bar.to > p.bar.from) drawBar(foot, p.bar);
    var notes = add(foot, "p", "panel-notes");
    if (p.as_of) add(notes, "span", "panel-stale", p.as_of);
    lost = add(notes, "span", "panel-lost");
  }

  function drawNotice(p) {
    var box = add(root, "section", "panel-notice");
    if (p.room) add(box, "p", "panel-room", p.room);
    if (p.title) add(box, "h1", "panel-heading", p.title);
    if (p.code) add(box, "p", "panel-code", p.code);
    if (p.body) add(box, "p", "panel-body", p.body);
    (p.lines || []).forEach(function (line) {
      add(box, "p", "panel-line", line);
    });
    lost = add(box, "p", "panel-lost");
  }

  function draw(p) {
    var text = JSON.stringify(p);
    if (text === shown) return;
    shown = text;
    root.textContent = "";
    clock = mark = lost = null;
    root.className = "panel panel-screen-" + p.screen;
    if (p.lang) document.documentElement.lang = p.lang;
    document.title = p.room || p.title || "Lintel";
    if (p.screen === "room") drawRoom(p);
    else drawNotice(p);
    tick();
  }

  // tick moves what depends on the clock alone.
  function tick() {
    if (clock) {
      var time = wall(now());
      if (clock.textContent !== time) clock.textContent = time;
    }
    if (mark && news && news.panel && news.panel.bar) {
      var bar = news.panel.bar;
      var at = now() / 1000;
      mark.setAttribute("visibility", at >= bar.from && at <= bar.to ? "visible" : "hidden");
      mark.setAttribute("x1", percent(at, bar));
      mark.setAttribute("x2", percent(at, bar));
    }
    if (lost) {
      var silent = heard && Date.now() - heard > 2 * POLL;
      var words = silent ? (root.getAttribute("data-lost") || "{time}").replace("{time}", wall(heard + ahead)) : "";
      if (lost.textContent !== words) lost.textContent = words;
    }
  }

  // reload loads the page anew, unless that was just done.
  function reload() {
    var last = 0;
    try {
      last = Number(sessionStorage.getItem("reloaded")) || 0;
      if (Date.now() - last < RELOAD_GAP && Date.now() >= last) return;
      sessionStorage.setItem("reloaded", String(Date.now()));
    } catch (e) {
      // no storage: the page is simply loaded
    }
    location.reload();
  }

  function take(n) {
    heard = Date.now();
    ahead = n.now - heard;
    if (build && n.build && n.build !== build) {
      reload();
      return;
    }
    build = n.build || build;
    var panel = n.panel || (news && news.panel);
    news = { now: n.now, offset: n.offset || 0, panel: panel };
    if (!panel) return;
    if (panel.screen === "gone") reload();
    else draw(panel);
  }

  function read(text) {
    try {
      return JSON.parse(text);
    } catch (e) {
      return null;
    }
  }

  function onEvent(event) {
    backoff = BACKOFF_FIRST;
    var n = read(event.data);
    if (n) take(n);
  }

  function close() {
    clearTimeout(again);
    again = 0;
    if (source) source.close();
    source = null;
  }

  // open makes the stream anew, whatever became of the last one.
  function open() {
    close();
    if (!window.EventSource) return; // the poll alone does it
    source = new EventSource(base + "/events");
    source.addEventListener("panel", onEvent);
    source.addEventListener("beat", onEvent);
    source.onerror = function () {
      if (!source || source.readyState !== 2) return; // the browser tries again by itself
      close();
      again = setTimeout(open, backoff * (0.5 + Math.random()));
      backoff = Math.min(backoff * 2, BACKOFF_LAST);
    };
  }

  function poll() {
    var request = new XMLHttpRequest();
    request.open("GET", base + "/state");
    request.timeout = 15000;
    request.onload = function () {
      var n = request.status === 200 ? read(request.responseText) : null;
      if (n) take(n);
    };
    request.send();
  }

  function wakeUp() {
    if (document.visibilityState === "hidden") return;
    backoff = BACKOFF_FIRST;
    open();
    poll();
    keepAwake();
  }

  // keepAwake asks for a screen that stays on; where that is not offered, the tablet's own settings do it.
  function keepAwake() {
    if (navigator.wakeLock && document.visibilityState === "visible") navigator.wakeLock.request("screen").catch(function () {});
  }

  take(read(root.getAttribute("data-news")) || { now: Date.now(), build: "", panel: null });
  open();
  keepAwake();
  setInterval(tick, 1000);
  setInterval(poll, POLL);
  setInterval(function () {
    if (!again && Date.now() - heard > BEAT_LOST && (!source || source.readyState !== 0)) open();
  }, 5000);
  document.addEventListener("visibilitychange", wakeUp);
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) wakeUp();
  });
  window.addEventListener("online", wakeUp);
})();
