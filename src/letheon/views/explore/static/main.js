// The page: what is asked, when, and what is done with the answer.

import { pngBlob, rows, rowsHeight, svgBlob } from "./chart.js";
import { Editor, looks } from "./editor.js";
import { FIGURES, armsOf, substances } from "./figures.js";
import { answers, csv, labels, node, short, summary, table, warnings } from "./results.js";
import { emptyState, fromFragment, planOf, scenarioOf, stateOf, toFragment } from "./scenario.js";
import { title } from "./words.js";

const $ = (id) => document.getElementById(id);
const PAUSE_MS = 120; // how long a slider must rest before the whole answer is asked for
const OLD_MS = 400; // a draft that takes longer is given up for a newer question
const LOOK_MS = 1000; // how often to look what a question waits for
const AGAIN_MS = 3000; // how long to wait before asking a program again that does not answer

const page = { state: null, grammar: null, editor: null, view: null, show: { range: true, band: true, alone: true } };

// --- asking ---

const asking = { newest: 0, shown: 0, current: null, waiting: false, failures: 0, told: 0 };

async function post(path, text, signal) {
  const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: `{"scenario":${text}}`, signal });
  if (answer.ok) return answer;
  let detail = `the program answered ${answer.status}.`;
  try {
    detail = (await answer.json()).detail ?? detail;
  } catch { /* no JSON: the status must do */ }
  throw Object.assign(new Error(detail), { status: answer.status });
}

function ask() {
  asking.newest += 1;
  if (asking.current) {
    asking.waiting = true;
    // intervals of what is no longer asked for are given up at once
    if (!asking.current.draft || performance.now() - asking.current.since > OLD_MS) asking.current.abort.abort();
    return;
  }
  send();
}

/** First a draft, whose intervals are borrowed from the last whole answer; when nothing newer has been asked, the whole. */
async function send(draft = true) {
  const number = asking.newest;
  const text = scenarioOf(page.state, page.grammar);
  const current = { draft, since: performance.now(), abort: new AbortController() };
  asking.current = current;
  asking.waiting = false;
  if (!asking.failures) page.waitingSince = current.since;
  const slow = setTimeout(() => say("busy", draft ? "Computing" : "Intervals"), 150);
  const looking = setInterval(lookWhy, LOOK_MS, current);
  let whole = true;
  try {
    const made = await post(`/api/simulate${draft ? "?draft=true" : ""}`, text, current.abort.signal);
    const answer = await made.json();
    whole = !answer.draft;
    if (number > asking.shown || whole) {
      asking.shown = number;
      asking.failures = 0;
      if (number > asking.told) fault("");
      receive(answer, looksAt(text), performance.now() - current.since);
      remember(text);
    }
  } catch (error) {
    if (error.name !== "AbortError") failed(error, number);
  } finally {
    clearTimeout(slow);
    clearInterval(looking);
    asking.current = null;
    if (asking.waiting) setTimeout(send, 0);
    else if (!whole) {
      say("busy", "Intervals");
      setTimeout(refine, PAUSE_MS, number);
    }
    else if (asking.failures === 0) say("ready", "Ready");
  }
}

/** Say what a question waits for: programs that are being compiled have nothing to do with what was asked. */
async function lookWhy(current) {
  let status;
  try {
    status = await fetched("/api/status");
  } catch {
    return; // the question itself will say so
  }
  if (asking.current !== current || !status.preparing) return;
  const seconds = Math.round((performance.now() - page.waitingSince) / 1000);
  say("busy", `Getting ready, ${seconds}\u202fs`);
  if (!page.view) $("summary").textContent = `Getting ready: ${seconds} s so far. The first start takes minutes, later ones seconds. Nothing to do but wait.`;
}

async function fetched(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw Object.assign(new Error(path), { status: answer.status });
  return answer.json();
}

/** Ask again what got no answer, as soon as the program answers at all. */
async function again(number) {
  for (;;) {
    await new Promise((done) => setTimeout(done, AGAIN_MS));
    if (number !== asking.newest || asking.current) return;
    try {
      await fetched("/api/status");
      break;
    } catch { /* not yet */ }
  }
  if (number === asking.newest && !asking.current) ask();
}

function refine(number) {
  if (number === asking.newest && !asking.current) send(false);
}

function failed(error, number) {
  asking.failures += 1;
  if (error.status === 429 && asking.failures < 6) {
    setTimeout(() => { if (number === asking.newest) ask(); }, 1500);
    return;
  }
  if (number !== asking.newest) return;
  const refused = error.status >= 400 && error.status < 500;
  say("fault", refused ? "Not possible" : "No answer");
  if (refused) return fault(plainly(error.message));
  const lost = error.status === undefined;
  fault(lost ? "The program behind this page does not answer. Is it still running? The page tries again by itself." : plainly(error.message), true);
  if (lost || asking.failures < 3) again(number);
}

/** A refusal names file, line and field of a scenario; on the page only the sentence helps. */
function plainly(text) {
  const told = text.replace(/^scenario(, line \d+)?(, )?/, "").replace(/^arms\.(\w+)(\.sessions\[(\d+)\])?(\.\w+)?: /, (_, plan, __, step) => `${title(plan)}${step ? `, step ${step}` : ""}: `);
  return told.charAt(0).toUpperCase() + told.slice(1);
}

function fault(text, again = false) {
  $("banner").hidden = !text;
  $("banner-text").textContent = text;
  $("banner-retry").hidden = !again;
  document.body.classList.toggle("stale", Boolean(text));
}

/** Say what was wrong with a link or a file, until the answer to the next change: the first question's does not wipe it. */
function tell(text) {
  asking.told = Math.max(asking.newest, 1);
  fault(text);
}

function say(kind, text) {
  $("state").dataset.kind = kind;
  $("state-text").textContent = text;
}

/** How each arm of a question is drawn, as it was when it was asked. */
function looksAt(text) {
  const names = Object.keys(JSON.parse(text).arms);
  const known = looks(page.state);
  const spare = looks({ plans: names.filter((name) => name !== "placebo").map((name) => ({ name })) });
  return Object.fromEntries(names.map((name) => [name, known[name] ?? spare[name]]));
}

// --- showing ---

const dirty = new Set(Object.keys(FIGURES));
const drawn = new Map();
const visible = new Set();
let frame = 0;

function receive(answer, look, waited) {
  page.answer = answer;
  page.look = look;
  page.waited = waited;
  refresh();
}

function refresh() {
  if (!page.answer) return;
  const arms = armsOf(page.answer, page.look);
  const focus = page.state.plans[page.state.focus]?.name;
  const focused = arms.some((one) => one.name === focus) ? focus : arms[0].name;
  page.view = { answer: page.answer, arms, focus: focused, show: page.show };
  for (const name of Object.keys(FIGURES)) dirty.add(name);
  cancelAnimationFrame(frame);
  draw(); // at once: what waits for the next frame is late for it
}

function draw() {
  frame = 0;
  const start = performance.now();
  for (const place of document.querySelectorAll("[data-figure]")) {
    const name = place.dataset.figure, figure = FIGURES[name];
    if (!dirty.has(name)) continue;
    // rows take their room before they are seen, so that nothing jumps while one scrolls
    const spec = figure.rows?.(page.view);
    if (spec) place.style.height = `${rowsHeight(spec)}px`;
    if (!visible.has(name)) continue;
    dirty.delete(name);
    const svg = spec ? rows(place, spec) : figure.draw(place, page.view);
    if (svg) drawn.set(name, svg);
    place.classList.add("drawn");
  }
  table(page.view);
  legend();
  document.body.classList.remove("first");
  const { answer, view } = page;
  const averaged = Boolean(answer.models.weights);
  $("key-alone").hidden = !averaged;
  $("what-memory").textContent = view.arms[0].arm.lines.state === "sensitisation" ? `How sensitised the nerve cells are, 0 to 1${averaged ? ", if it is pain memory" : ""}` : "How strongly the drug acts at its slow site, between 0 and 1";
  $("h-memory").textContent = view.arms[0].arm.lines.state === "sensitisation" ? "Memory of pain" : "Slow site";
  $("what-levels").textContent = `${title(view.focus)}, in plasma (ng/mL)`;
  $("what-dose").textContent = view.arms.some((one) => one.arm.lines.dose.end) ? "Milligrams so far; dashed: what is added on average" : `Milligrams so far, at ${page.state.weight.mean.toFixed(0)} kg`;
  short(view);
  answers(view);
  warnings(answer.warnings);
  settle();
  document.body.dataset.drawn = String(asking.shown);
  page.drew = performance.now() - start;
}

let settling = 0;

/** Say the result once things have come to rest, not at each turn of a slider. */
function settle() {
  clearTimeout(settling);
  $("summary").className = "away"; // once it has said that an answer comes, for those who hear the page
  settling = setTimeout(() => { $("summary").textContent = summary(page.view); }, page.spoke ? 700 : 0);
  page.spoke = true;
}

function legend() {
  $("levels-legend").replaceChildren(...substances(page.view).map((one) => node("li", { className: `arm ${one.colour}` }, node("span", { className: "swatch" }), one.name)));
  $("legend").replaceChildren(...page.view.arms.map((one) => node("li", { className: `arm ${one.colour} ${one.dash}` }, node("span", { className: "swatch" }), one.title)));
}

function watch() {
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      const name = entry.target.dataset.figure;
      if (entry.isIntersecting) visible.add(name);
      else visible.delete(name);
    }
    if (page.view && !frame) frame = requestAnimationFrame(draw);
  }, { rootMargin: "120px" });
  const widths = new Map();
  const sized = new ResizeObserver((entries) => {
    let changed = false;
    for (const { target } of entries) {
      const width = target.clientWidth;
      if (widths.get(target) === width) continue;
      widths.set(target, width);
      if (target.dataset.figure) dirty.add(target.dataset.figure);
      else page.editor?.showTimeline();
      changed = true;
    }
    if (changed && page.view && !frame) frame = requestAnimationFrame(draw);
  });
  for (const place of document.querySelectorAll("[data-figure]")) {
    seen.observe(place);
    sized.observe(place);
  }
  sized.observe($("timeline"));
}

// --- keeping ---

let remembering = 0;

/** The address always holds what is on the page. */
function remember(text) {
  clearTimeout(remembering);
  remembering = setTimeout(async () => {
    const hash = await toFragment(text);
    history.replaceState(null, "", hash);
    page.hash = hash;
  }, 250);
}

function download(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = node("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const SAVE = {
  async report() {
    say("busy", "Writing the report");
    download(await (await post("/api/report", scenarioOf(page.state, page.grammar))).blob(), "letheon-report.html");
  },
  async handout() {
    say("busy", "Writing the two pages");
    const plan = { ...page.state, plans: [page.state.plans[page.state.focus]], focus: 0 };
    download(await (await post("/api/handout", scenarioOf(plan, page.grammar))).blob(), "letheon-handout.html");
  },
  async yaml() {
    const form = await (await post("/api/read", scenarioOf(page.state, page.grammar))).json();
    download(new Blob([form.yaml], { type: "application/yaml" }), "letheon-scenario.yaml");
  },
  async csv() {
    download(new Blob([csv(page.view)], { type: "text/csv" }), "letheon-figures.csv");
  },
  async json() {
    download(await (await post("/api/document", scenarioOf(page.state, page.grammar))).blob(), "letheon-result.json");
  },
};

function buttons() {
  for (const [name, figure] of Object.entries(FIGURES)) {
    const tools = document.querySelector(`[data-tools="${name}"]`);
    for (const [kind, make] of [["PNG", pngBlob], ["SVG", svgBlob]]) {
      const button = node("button", { type: "button", className: "tool", title: `Save this figure as ${kind}` }, kind);
      button.setAttribute("aria-label", `Save the figure ${figure.title} as ${kind}`);
      button.addEventListener("click", async () => {
        if (drawn.has(name)) download(await make(drawn.get(name), figure.title), `letheon-${name}.${kind.toLowerCase()}`);
      });
      tools.append(button);
    }
  }
  for (const button of document.querySelectorAll("[data-save]")) {
    button.addEventListener("click", async () => {
      $("save-menu").open = false;
      if (!page.view) return;
      try {
        await SAVE[button.dataset.save]();
        say("ready", "Saved");
      } catch (error) {
        fault(plainly(error.message));
      }
    });
  }
  $("copy-link").addEventListener("click", copyLink);
  $("open-file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    event.target.value = "";
    $("save-menu").open = false;
    if (file) await adopt(JSON.stringify(await file.text()));
  });
  for (const key of ["range", "band", "alone"]) {
    $(`show-${key}`).addEventListener("change", () => {
      page.show = { ...page.show, [key]: $(`show-${key}`).checked };
      refresh();
    });
  }
  $("banner-retry").addEventListener("click", ask);
  window.addEventListener("keydown", (event) => { if (event.key === "Escape") $("save-menu").open = false; });
  document.addEventListener("click", (event) => { if (!$("save-menu").contains(event.target)) $("save-menu").open = false; });
  window.addEventListener("hashchange", () => { if (location.hash !== page.hash) follow(); });
}

async function copyLink() {
  const hash = await toFragment(scenarioOf(page.state, page.grammar));
  const address = `${location.origin}${location.pathname}${hash}`;
  history.replaceState(null, "", hash);
  page.hash = hash;
  let told = "Link copied";
  try {
    await navigator.clipboard.writeText(address);
  } catch {
    told = "The link is in the address bar";
  }
  say("ready", told);
  $("said").textContent = told;
}

// --- starting ---

/** Take a scenario over, as JSON: an object, or a string that holds a file. */
async function adopt(json) {
  try {
    const form = await (await post("/api/read", json)).json();
    Object.assign(page.state, stateOf(form, page.grammar));
    fault("");
    page.editor.changed();
    return true;
  } catch (error) {
    tell(plainly(error.message));
    return false;
  }
}

async function follow() {
  page.hash = location.hash;
  if (!location.hash.startsWith("#s=")) return false;
  try {
    const text = await fromFragment(location.hash);
    if (text === null) throw new Error("damaged");
    JSON.parse(text);
    return await adopt(text);
  } catch {
    tell("This link cannot be read: part of it seems to be missing. The page shows its first plan instead.");
    return false;
  }
}

async function start() {
  try {
    const [presets, status] = await Promise.all(["/api/presets", "/api/status"].map(fetched));
    page.grammar = status.grammar;
    page.state = emptyState(page.grammar);
    labels(status.support);
    $("version").textContent = status.version;
    page.state.plans.push(planOf(presets[0], []));
    page.editor = new Editor(page.state, presets, (redraw) => {
      if (redraw) ask();
      else refresh();
    });
    page.editor.show();
    watch();
    buttons();
    if (!(await follow())) ask();
  } catch {
    say("fault", "No answer");
    fault("The program behind this page does not answer. Is it still running?", false);
  }
}

document.body.classList.add("first");
start();
// what a test may look at
window.letheon = page;
