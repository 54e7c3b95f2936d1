// What makes pages live: everything is said by attributes of their elements; docs/pages.md names them.

const root = document.documentElement;
const each = (selector, act, within = document) => within.querySelectorAll(selector).forEach(act);
const setText = (element, text) => { if (element.textContent !== text) element.textContent = text; };
const kept = (store, name, made) => {
  try {
    if (!store.getItem(name)) store.setItem(name, made());
    return store.getItem(name);
  } catch { return made(); }
};

// ---- colours

const BARS = { day: "#f3f4f6", dark: "#0f1317", red: "#000000" };

function showTheme() {
  const theme = root.dataset.theme ?? "";
  each("[data-theme-choice]", (button) => button.setAttribute("aria-pressed", String(button.dataset.themeChoice === theme)));
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  document.querySelector("meta[name=theme-color]")?.setAttribute("content", BARS[theme] ?? (dark ? BARS.dark : BARS.day));
}

function chooseTheme(theme) {
  if (theme) root.dataset.theme = theme; else delete root.dataset.theme;
  try { localStorage.setItem("theme", theme); } catch { /* it lasts as long as the page */ }
  showTheme();
}

addEventListener("storage", (event) => { if (event.key === "theme") chooseTheme(event.newValue ?? ""); });
showTheme();

// ---- what comes from the server

const values = new Map(); // "dome/0/Azimuth": {value, text}

const devices = () => [...document.querySelectorAll("[data-lamp]")].map((lamp) => lamp.dataset.lamp);

// What appears does so before what disappears, so that the keyboard finds a place to go on from.
function seen(when, unless, holds) {
  const [shown, hidden] = holds ? [when, unless] : [unless, when];
  each(shown, (element) => { element.hidden = false; });
  each(hidden, (element) => {
    const had = element.contains(document.activeElement);
    element.hidden = true;
    if (had) element.parentElement.querySelector("button:not([hidden]), a[href]")?.focus();
  });
}

function show(state) {
  const named = (name) => `[data-${name}="${CSS.escape(state.device)}"]`;
  for (const [name, value] of Object.entries(state.values)) {
    const path = `${state.device}/${name}`;
    values.set(path, value);
    const quoted = CSS.escape(path);
    each(`[data-value="${quoted}"]`, (element) => {
      setText(element, value.text);
      element.dataset.is = String(value.value);
    });
    seen(`[data-when="${quoted}"]`, `[data-unless="${quoted}"]`, Boolean(value.value));
    each(`[data-reload="${quoted}"]`, (element) => { if (element.dataset.was !== String(value.value)) location.reload(); });
  }
  for (const name of Object.keys(state.values)) {
    const all = devices().every((device) => values.get(`${device}/${name}`)?.value);
    seen(`[data-when-all="${name}"]`, `[data-unless-all="${name}"]`, all);
  }
  each(named("lamp"), (lamp) => { lamp.dataset.state = state.lamp; setText(lamp, state.lamp_text); });
  each(named("holders"), (element) => { setText(element, state.holders.join(", ")); element.hidden = !state.holders.length; });
  each(named("error"), (element) => { setText(element, state.error); element.hidden = !state.error; });
}

function showServer(server) {
  each("[data-uptime]", (element) => setText(element, server.uptime_text));
  each("[data-discovery]", (element) => { setText(element, server.discovery.text); element.dataset.state = server.discovery.lamp; });
}

function showImage({ device }) {
  each(`[data-src-live="${CSS.escape(device)}"]`, (image) => {
    const url = new URL(image.src, location.href);
    url.searchParams.set("at", Date.now());
    image.src = url;
  });
}

function showCut(cut) {
  root.classList.toggle("cut", cut);
  each("[data-cut]", (element) => { element.hidden = !cut; });
}

let stream = null;
let again = 0;

function listen() {
  const wanted = document.body.dataset.events;
  if (wanted === undefined || stream || document.hidden) return;
  stream = new EventSource(`/events${wanted ? `?${wanted}` : ""}`);
  const on = (name, act) => stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
  on("state", show);
  on("server", showServer);
  on("image", showImage);
  for (const name of ["call", "log"]) on(name, (data) => document.dispatchEvent(new CustomEvent(`pylpaca:${name}`, { detail: data })));
  stream.onopen = () => showCut(false);
  stream.onerror = () => {
    showCut(true);
    if (stream?.readyState === EventSource.CLOSED) { // refused: the browser would not try again
      stream = null;
      clearTimeout(again);
      again = setTimeout(listen, 3000);
    }
  };
}

function stopListening() {
  stream?.close();
  stream = null;
}

// A page that nobody sees asks for nothing, and leaves its connection to those that are seen.
document.addEventListener("visibilitychange", () => { if (document.hidden) stopListening(); else listen(); });
addEventListener("pagehide", stopListening);
addEventListener("pageshow", listen);

// ---- what goes to the server

const client = kept(sessionStorage, "client", () => String(1 + Math.floor(Math.random() * 4294967294)));
let transaction = 0;

function nearestSaid(element) {
  for (let at = element; at; at = at.parentElement) {
    const said = at.querySelector("[data-said]");
    if (said) return said;
  }
  return null;
}

function say(element, text, failed) {
  const said = nearestSaid(element);
  if (!said) return;
  said.textContent = text;
  said.classList.toggle("failed", failed);
}

async function put(element, path, fields, patience = null) { // in milliseconds
  const body = new URLSearchParams(fields);
  body.set("ClientID", client);
  transaction += 1;
  body.set("ClientTransactionID", String(transaction));
  try {
    const signal = patience === null ? null : AbortSignal.timeout?.(patience); // old browsers wait for ever
    const answer = await fetch(`/api/v1/${path}`, { method: "PUT", body, keepalive: true, signal });
    const text = await answer.text();
    const shown = showRaw(element, answer, text);
    const { ErrorMessage: refusal, Value } = answer.ok ? JSON.parse(text) : { ErrorMessage: text.trim() };
    say(element, refusal || (shown ? "" : String(Value ?? "")) || element.dataset.done || "", Boolean(refusal));
    return answer.status === 503 ? null : !refusal; // 503: there was no room for it
  } catch {
    say(element, "The server does not answer. Is it running, and are you still in its network?", true);
    return null; // it did not arrive, as far as is known
  }
}

const pairs = (text) => [...new URLSearchParams(text ?? "")];

// 12 34 56, 12:34:56, -5°30′, 12h34.5m or 12.58 as decimals; what is none of these stays, and the server says what it wants.
export function decimal(text) {
  const plain = text.trim().replaceAll("−", "-").replace(/(\d),(?=\d)/g, "$1.");
  const parts = plain.replace(/^[-+]/, "").split(/[\s:hdms°'"′″]+/i).filter(Boolean);
  const numbers = parts.map(Number);
  const readable = /^[-+]?\d/.test(plain) && parts.length < 4 && parts.every((part) => /^\d+(\.\d*)?$/.test(part));
  if (!readable || numbers.slice(1).some((each) => each >= 60) || parts.slice(0, -1).some((part) => part.includes("."))) return text;
  const sum = numbers.reduce((before, number, at) => before + number / 60 ** at, 0);
  return String(plain.startsWith("-") ? -sum : sum);
}

// {Steps} is what the field of that name beside it has, {focuser/0/Position} what the device showed last; one sum is added up.
function filled(element) {
  const beside = (name) => element.closest("form, section")?.querySelector(`[name="${CSS.escape(name)}"]`)?.value;
  return pairs(element.dataset.send).map(([name, text]) => {
    const value = text.replace(/\{(.+?)\}/g, (_, from) => (from.includes("/") ? values.get(from)?.value : beside(from)) ?? "unknown");
    const sum = /^(-?[\d.]+)([-+][\d.]+)$/.exec(value);
    return [name, sum ? String(Number(sum[1]) + Number(sum[2])) : value];
  });
}

function fieldsOf(element, sender) {
  if (!(element instanceof HTMLFormElement)) return filled(element);
  const fields = [...new FormData(element, sender)].filter(([, value]) => typeof value === "string");
  each("[data-sexagesimal]", (input) => { fields.find(([name]) => name === input.name)[1] = decimal(input.value); }, element);
  each("input[type=checkbox][name]", (box) => {
    if (!box.checked) fields.push([box.name, "false"]);
    else fields.find(([name]) => name === box.name)[1] = "true";
  }, element);
  return [...fields, ...filled(element)];
}

const make = (tag, properties) => Object.assign(document.createElement(tag), properties);

function asked(question) {
  return new Promise((resolve) => {
    const dialog = make("dialog");
    const row = make("div", { className: "row" });
    dialog.setAttribute("aria-labelledby", "question");
    for (const [textContent, answer] of [["Yes", "yes"], ["Cancel", ""]]) {
      const button = make("button", { type: "button", textContent, autofocus: !answer });
      button.dataset.answer = answer;
      button.addEventListener("click", () => dialog.close(answer));
      row.append(button);
    }
    dialog.append(make("p", { id: "question", textContent: question }), row);
    each(".stops .stop", (stop) => { // nothing else on the page can be pressed meanwhile
      const button = make("button", { type: "button", className: "stop", textContent: stop.textContent });
      button.addEventListener("click", () => { dialog.close(""); stop.click(); });
      dialog.append(button);
    });
    dialog.addEventListener("close", () => { dialog.remove(); resolve(dialog.returnValue === "yes"); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

async function ask(element, sender = null) { // a form can have several buttons, each with a path of its own
  const fields = fieldsOf(element, sender); // as they are when it is pressed
  const question = sender?.dataset.confirm ?? element.dataset.confirm;
  if (question && !(await asked(question))) return;
  if (await put(element, sender?.dataset.formPut ?? element.dataset.put, fields)) await freshen();
}

// ---- what is no part of a device's state: it is looked at again, as the page has it now

async function freshen() {
  if (!document.querySelector("[data-fresh]")) return;
  for (const path of [location.href, ...[...document.querySelectorAll("[data-loaded]")].map((element) => element.dataset.loaded)]) {
    try {
      const page = await fetched(path);
      const now = (element) => page.querySelector(`[data-fresh="${CSS.escape(element.dataset.fresh)}"]`);
      each("[data-fresh]", (element) => setText(element, now(element)?.textContent ?? element.textContent));
    } catch { /* the next time */ }
  }
}

const fetched = async (path) => new DOMParser().parseFromString(await (await fetch(path)).text(), "text/html");

// What is most of a page comes when it is unfolded.
document.addEventListener("toggle", async ({ target }) => {
  const path = target.dataset.load;
  if (!path || !target.open) return;
  target.dataset.loaded = path;
  delete target.dataset.load;
  try {
    target.replaceChildren(target.querySelector("summary"), ...(await fetched(path)).querySelectorAll(".hand-box > *"));
  } catch { target.dataset.load = path; }
}, true);

each("[data-fresh-every]", ({ dataset }) => setInterval(() => { if (!document.hidden) freshen(); }, 1000 * dataset.freshEvery));
document.addEventListener("input", ({ target }) => {
  if (target.dataset.shownIn) setText(document.getElementById(target.dataset.shownIn), target.value);
});

// ---- pressed = moves, anything else = stops

let held = null;
let pointer = null; // that holds it; none is the keyboard
let presses = 0;
let order = Promise.resolve(); // the release is sent after the press, whatever overtakes what on the way

function press(button, by = null) {
  if (held) release();
  held = button;
  pointer = by;
  button.classList.add("held");
  const fields = filled(button);
  presses += 1;
  const own = presses; // one that was let go while others were answered is not sent any more
  order = order.then(() => (held && own === presses ? put(button, button.dataset.put, fields, 30000) : null));
}

function release() {
  const button = held;
  if (!button) return;
  held = null;
  button.classList.remove("held");
  const stop = async () => { // until it is answered: what moves does not stop because the network is gone
    const sent = (patience) => put(button, button.dataset.release, pairs(button.dataset.releaseSend), patience);
    // Connections of a network that is gone never end by themselves; a slow device has longer each time.
    for (let patience = 3000; await sent(patience) === null; patience = Math.min(2 * patience, 120000)) {
      await new Promise((go) => setTimeout(go, 300));
    }
  };
  stop(); // at once, should the press not be answered,
  order = order.then(stop); // and after it
}

const holding = (event) => event.target.closest?.("[data-hold]");

document.addEventListener("pointerdown", (event) => {
  const button = holding(event);
  if (!button || button.disabled || event.button !== 0) return;
  event.preventDefault();
  button.focus();
  button.setPointerCapture?.(event.pointerId);
  press(button, event.pointerId);
});
// One button of a mouse that is let go while another is pressed is told as a move.
document.addEventListener("pointermove", (event) => { if (event.pointerId === pointer && !(event.buttons & 1)) release(); });
document.addEventListener("keydown", (event) => {
  const button = holding(event);
  if (!button || (event.key !== " " && event.key !== "Enter")) return;
  event.preventDefault();
  if (!event.repeat && held !== button) press(button);
});
for (const name of ["pointerup", "pointercancel", "lostpointercapture", "keyup"]) document.addEventListener(name, release);
document.addEventListener("focusout", (event) => { if (event.target === held) release(); });
document.addEventListener("visibilitychange", () => { if (document.hidden) release(); });
document.addEventListener("contextmenu", (event) => { if (holding(event)) event.preventDefault(); });
addEventListener("blur", release);
addEventListener("pagehide", release);

// ---- clicks and forms

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button");
  if (!button) return;
  if (button.dataset.themeChoice !== undefined) chooseTheme(button.dataset.themeChoice);
  else if (button.dataset.copy !== undefined) copy(button);
  else if (button.dataset.putAll) for (const device of devices()) put(button, `${device}/${button.dataset.putAll}`, []);
  else if (button.dataset.put && button.dataset.hold === undefined) ask(button);
  else if (button.dataset.get) get(button);
});

document.addEventListener("submit", (event) => {
  const { get: asks, put: orders } = event.target.dataset;
  if (!asks && !orders) return;
  event.preventDefault();
  if (orders) ask(event.target, event.submitter); else get(event.target);
});

async function copy(button) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch { // only secure pages may
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = "Selected";
  }
  setTimeout(() => { button.textContent = before; }, 1500);
}

// ---- trying out what a device can be asked

function showRaw(element, answer, text) {
  for (let at = element; at; at = at.parentElement) {
    const raw = at.querySelector("[data-raw]");
    if (raw) { raw.textContent = `HTTP ${answer.status}\n${text}`; return true; }
  }
  return false;
}

async function get(element) {
  const query = new URLSearchParams(fieldsOf(element));
  query.set("ClientID", client);
  transaction += 1;
  query.set("ClientTransactionID", String(transaction));
  const path = element.dataset.get;
  try {
    const answer = await fetch(`${path.startsWith("/") ? path : `/api/v1/${path}`}?${query}`);
    const text = await answer.text();
    const shown = showRaw(element, answer, text);
    const { ErrorMessage: refusal, Value } = answer.ok ? JSON.parse(text) : { ErrorMessage: text.trim() };
    say(element, refusal || (shown ? "" : JSON.stringify(Value)), Boolean(refusal));
  } catch {
    say(element, "The server does not answer. Is it running, and are you still in its network?", true);
  }
}

// ---- the log

let lastLine = 0;

function addLine(line) {
  if (line.number !== undefined) {
    if (line.number <= lastLine) return; // it was sent again after the stream was cut
    lastLine = line.number;
    document.body.dataset.events = document.body.dataset.events.replace(/since=\d+/, `since=${lastLine}`);
  }
  each("[data-log]", (lines) => {
    const row = lines.insertRow(0);
    row.dataset.level = line.level ?? "call";
    for (const text of [line.time.slice(11, 19), row.dataset.level, line.device, line.text]) row.insertCell().textContent = text;
    if (line.detail) {
      const details = document.createElement("details");
      details.append(document.createElement("summary"), document.createElement("pre"));
      details.firstChild.textContent = line.text;
      details.lastChild.textContent = line.detail;
      row.lastChild.replaceChildren(details);
    }
    if (lines.rows.length > Number(lines.dataset.log)) lines.deleteRow(-1);
  });
}

for (const name of ["log", "call"]) document.addEventListener(`pylpaca:${name}`, (event) => addLine(event.detail));

listen();
