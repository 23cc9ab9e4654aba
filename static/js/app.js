// Lintel's pages work without this file. It makes them quicker to use: keys, menus that close, copying, fields that appear when they
// matter, and live parts that catch up after sleep. It sets no style and runs no text as code.

const doc = document;

// "/" goes to the page's search field, Esc closes what is open.
doc.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = doc.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
      search.select();
    }
  }
  if (event.key === "Escape") {
    for (const menu of doc.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

doc.addEventListener("click", (event) => {
  for (const menu of doc.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) copyText(copy);
});

// Copying: the clipboard API exists only over HTTPS; on a plain LAN address the old command does it.
async function copyText(button) {
  const source = doc.getElementById(button.dataset.copy);
  if (!source) return;
  try {
    await navigator.clipboard.writeText(source.textContent);
  } catch {
    const range = doc.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    if (!doc.execCommand("copy")) return;
  }
  const word = button.querySelector("[data-word]");
  const before = word.textContent;
  word.textContent = button.dataset.done;
  say(button.dataset.done);
  setTimeout(() => (word.textContent = before), 2000);
}

// say tells a screen reader something that changed.
function say(text) {
  const live = doc.getElementById("live");
  if (live && text && live.textContent !== text) live.textContent = text;
}

// The question behind a link with data-ask opens in a dialog. Where that fails, the link leads to its page.
doc.addEventListener("click", async (event) => {
  const link = event.target.closest?.("a[data-ask]");
  if (!link || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  if (doc.querySelector("dialog")) return;
  let question;
  try {
    const answer = await fetch(link.href);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    question = answer.ok && page.querySelector("form[data-question]");
  } catch {
    // the page says what is wrong
  }
  if (question) ask(doc.importNode(question, true));
  else location.assign(link.href);
});

function ask(form) {
  const title = doc.createElement("h2");
  title.id = "question";
  title.textContent = form.dataset.question;
  form.prepend(title);
  const dialog = doc.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  dialog.append(form);
  const keep = form.querySelector("[data-keep]");
  dialog.addEventListener("click", (event) => {
    if (event.target !== dialog && !keep.contains(event.target)) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => dialog.remove());
  doc.body.append(dialog);
  dialog.showModal();
  keep.focus();
}

// A part with data-when="field=a b" shows only while that field of its form has one of these values.
function showParts(form) {
  for (const part of form.querySelectorAll("[data-when]")) {
    const [name, wanted] = part.dataset.when.split("=");
    const field = form.elements[name];
    if (!field) continue;
    const value = field.type === "checkbox" ? (field.checked ? "on" : "") : field.value;
    part.hidden = !wanted.split(" ").includes(value);
  }
  for (const field of form.querySelectorAll("[data-when] :is(input, select, textarea)")) {
    field.disabled = field.closest("[data-when][hidden]") !== null;
  }
}

function prepare(root) {
  for (const form of root.querySelectorAll("form")) {
    if (form.querySelector("[data-when]")) showParts(form);
  }
  for (const element of root.querySelectorAll("[data-scripted]")) element.hidden = false;
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of root.querySelectorAll("select[data-guess-zone]")) guessZone(select, here);
  // The building's zone is named where it differs from the viewer's at this moment.
  for (const note of root.querySelectorAll("[data-zone]")) {
    note.hidden = clockIn(note.dataset.zone) === clockIn(here);
  }
}

// guessZone chooses the browser's zone once, where the list has it. A browser may call a zone by an older name
// (Asia/Calcutta): then the option is it that the browser itself takes for the same.
function guessZone(select, here) {
  delete select.dataset.guessZone;
  const names = [...select.options].map((option) => option.value);
  const found = names.includes(here) ? here : names.find((name) => sameZone(name, here));
  if (found) select.value = found;
}

function sameZone(name, here) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone === here;
  } catch {
    return false; // a zone that the browser does not know
  }
}

function clockIn(zone) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone, dateStyle: "short", timeStyle: "short" }).format(new Date());
  } catch {
    return "";
  }
}

doc.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form) showParts(form);
  // A filter, a date or a switch of a GET form applies at once; without script its button does it.
  if (form && event.target.matches("[data-apply]")) form.requestSubmit();
});

// A second press on a button that is already at work does nothing; that it is at work can be seen when it takes long.
doc.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method === "get") return;
  if (event.target.dataset.sent) {
    event.preventDefault();
    return;
  }
  event.target.dataset.sent = "yes";
  event.submitter?.setAttribute("aria-busy", "true");
});
addEventListener("pageshow", () => {
  for (const form of doc.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of doc.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// Arrow keys move between the slots of a day grid, so that Tab need not visit each.
doc.addEventListener("keydown", (event) => {
  const slot = event.target.closest?.("[data-slots] a");
  if (!slot || !["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
  const rows = [...slot.closest("[data-slots]").querySelectorAll("svg")].map((svg) => [...svg.querySelectorAll("a")]);
  const y = rows.findIndex((row) => row.includes(slot));
  const row = rows[y];
  const x = row.indexOf(slot);
  const middle = (a) => a.getBoundingClientRect().left + a.getBoundingClientRect().width / 2;
  let next;
  if (event.key === "ArrowLeft") next = row[x - 1];
  if (event.key === "ArrowRight") next = row[x + 1];
  if (event.key === "Home") next = row[0];
  if (event.key === "End") next = row[row.length - 1];
  if (event.key === "ArrowUp" || event.key === "ArrowDown") {
    const step = event.key === "ArrowUp" ? -1 : 1;
    for (let i = y + step; rows[i] && !next; i += step) {
      next = [...rows[i]].sort((a, b) => Math.abs(middle(a) - middle(slot)) - Math.abs(middle(b) - middle(slot)))[0];
    }
  }
  event.preventDefault();
  next?.focus();
});

// Live parts ask again when the page comes back from sleep, from the cache or to the network: a stream may have been dropped in silence.
function refresh() {
  if (doc.visibilityState !== "visible" || !window.htmx) return;
  for (const part of doc.querySelectorAll("[data-live]")) window.htmx.trigger(part, "refresh");
}
doc.addEventListener("visibilitychange", refresh);
addEventListener("online", refresh);
addEventListener("pageshow", (event) => event.persisted && refresh());

// A live part waits while somebody types or chooses in it: an answer would take the text away.
doc.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.detail.elt;
  if (part.matches("[data-live]") && part.querySelector(":is(input, select, textarea):focus, details[open]")) event.preventDefault();
});

doc.addEventListener("htmx:afterSettle", (event) => {
  const part = event.detail.elt;
  prepare(part.parentElement ?? doc);
  const summary = part.closest("[data-summary]") ?? part.querySelector?.("[data-summary]");
  if (summary) say(summary.dataset.summary);
  if (part.id === "tried") tried(part);
});

// tried marks the fields that a try blames, and says it beside them; what an earlier answer said there is over.
function tried(part) {
  const form = part.closest("form");
  const mark = (field, wrong) => {
    field.classList.toggle("field-wrong", wrong);
    const control = field.querySelector("input, select, textarea");
    if (wrong) control?.setAttribute("aria-invalid", "true");
    else control?.removeAttribute("aria-invalid");
  };
  for (const said of form.querySelectorAll(":scope .field > .error, :scope > .notice")) said.remove();
  for (const field of form.querySelectorAll(".field-wrong")) mark(field, false);
  for (const blamed of part.querySelectorAll("[data-field]")) {
    const field = form.elements.namedItem(blamed.dataset.field)?.closest?.(".field");
    if (!field) continue;
    mark(field, true);
    const said = doc.createElement("p");
    said.className = "error";
    said.append(...[".icon", "[data-said]"].map((part) => blamed.querySelector(part).cloneNode(true)));
    const help = field.querySelector(":scope > .help");
    field.insertBefore(said, help);
    if ("kept" in blamed.dataset) help?.remove(); // that the stored one is kept is not so
    field.closest("details")?.setAttribute("open", "");
  }
}

// A day grid that is wider than the screen begins at what is now.
for (const wrap of doc.querySelectorAll(".grid-wrap")) {
  const now = wrap.querySelector("tbody .bar-now");
  const first = wrap.querySelector("tbody th[scope=row]");
  if (now && first) wrap.scrollLeft = now.getBoundingClientRect().left - first.getBoundingClientRect().right - 80;
}

prepare(doc);
