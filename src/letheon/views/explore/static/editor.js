// The controls: plans side by side, a time line to draw on, sliders, patients.

import { el } from "./chart.js";
import { Policies, slider } from "./controls.js";
import { node } from "./results.js";
import { MOST_PLANS, endOf, planOf } from "./scenario.js";
import { hours, number, plural, slug, span, title } from "./words.js";

const $ = (id) => document.getElementById(id);
const COLOURS = ["plan-0", "plan-1", "plan-2", "plan-3"];
const DASHES = ["", "long", "dashdot", "short"];

export function looks(state) {
  const made = { placebo: { colour: "sham", dash: "placebo" } };
  state.plans.forEach((plan, i) => {
    made[plan.name] = { colour: COLOURS[i], dash: DASHES[i] };
  });
  return made;
}

const DESIGNS = { randomised: "Randomised trial", uncontrolled: "No comparison group", protocol: "Trial without results yet", practice: "Practice, no trial" };
const day = (row) => Math.round((row.at_h / 24 + 1) * 100) / 100;
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** What each slider of a step shows and sets. */
const STEP = [
  { key: "rate", label: "Rate", min: 0.5, max: 60, step: 0.5, get: (row) => row.rate, set: (row, v) => { row.rate = v; }, say: (v, row) => `${number(v)} mg/h${row.by_weight ? "/70 kg" : ""}` },
  { key: "hours", label: "Length", min: 0.5, max: 24, step: 0.5, get: (row) => row.hours, set: (row, v) => { row.hours = v; }, say: (v) => hours(v) },
  { key: "day", label: "Starts on", min: 1, max: 60, step: 1, get: day, set: (row, v) => { row.at_h = (v - 1) * 24; }, say: (v) => `day ${number(v, 4)}` },
  { key: "times", label: "How many", min: 1, max: 20, step: 1, get: (row) => row.times, set: (row, v) => { row.times = v; }, say: (v) => plural(v, "session") },
  { key: "every", label: "One every", min: 1, max: 28, step: 1, get: (row) => row.every_h / 24, set: (row, v) => { row.every_h = 24 * v; }, say: (v) => (v === 1 ? "day" : `${number(v, 4)} days`) },
];

const PATIENT = [
  { key: "weight", label: "Weight", min: 40, max: 140, step: 1, get: (s) => s.weight.mean, set: (s, v) => { s.weight = { mean: v, sd: spreadOf(s.weight, v) }; }, say: (v, s) => `${number(v)}${s.weight.sd ? ` ± ${number(s.weight.sd)}` : ""} kg` },
  { key: "baseline", label: "Pain before", min: 4, max: 10, step: 0.1, get: (s) => s.baseline.mean, set: (s, v) => { s.baseline = { ...s.baseline, mean: v }; }, say: (v, s) => `${v.toFixed(1)}${s.baseline.sd ? ` ± ${number(s.baseline.sd)}` : ""} of 10` },
];

/** The spread of weight keeps its proportion. */
function spreadOf(given, mean) {
  return Math.min(60, Number(((given.sd / given.mean) * mean).toPrecision(3)));
}

export class Editor {
  constructor(state, presets, changed) {
    this.state = state;
    this.presets = presets;
    this.changed = (redraw = true) => {
      this.show();
      changed(redraw);
    };
    $("preset").append(...presets.map((one) => node("option", { value: one.id }, one.title)));
    this.steps = STEP.map((one) => slider(one, () => this.row, () => this.edited()));
    this.byWeight = node("input", { type: "checkbox", id: "by-weight" });
    $("step-sliders").append(...this.steps.map((one) => one.made), node("label", { className: "check" }, this.byWeight, " rate goes by body weight"));
    this.patients = PATIENT.map((one) => slider(one, () => this.state, () => this.changed()));
    this.differ = node("input", { type: "checkbox", id: "differ" });
    $("patients-note").before(...this.patients.map((one) => one.made), node("label", { className: "check" }, this.differ, " patients differ, as in the trials"));
    this.policies = new Policies(() => this.plan, () => this.edited());
    this.listen();
  }

  get plan() {
    return this.state.plans[this.state.focus];
  }

  get row() {
    return this.plan.sessions[this.state.step];
  }

  edited() {
    this.plan.preset = "";
    this.changed();
  }

  listen() {
    const on = (id, event, act) => $(id).addEventListener(event, act);
    on("preset", "change", () => {
      const preset = this.presets.find((one) => one.id === $("preset").value);
      if (!preset) return;
      const others = this.state.plans.filter((_, i) => i !== this.state.focus).map((plan) => plan.name);
      this.state.plans[this.state.focus] = planOf(preset, others);
      this.state.step = 0;
      this.changed();
    });
    on("drug", "change", () => { this.plan.drug = $("drug").value; this.edited(); });
    on("name", "change", () => {
      const others = this.state.plans.filter((plan) => plan !== this.plan).map((plan) => plan.name);
      this.plan.name = slug($("name").value, others);
      this.changed();
    });
    this.byWeight.addEventListener("change", () => { this.row.by_weight = this.byWeight.checked; this.row.max = null; this.edited(); });
    this.differ.addEventListener("change", () => {
      const differ = this.differ.checked;
      this.state.weight.sd = differ ? Math.round(0.24 * this.state.weight.mean) : 0;
      this.state.baseline.sd = differ ? 2 : 0;
      this.changed();
    });
    on("follow-up", "change", () => { this.state.days = Number($("follow-up").value); this.changed(); });
    on("patients", "change", () => { this.state.patients = Number($("patients").value); this.changed(); });
    on("pain-model", "change", () => { this.setModel("pain", $("pain-model").value, "average"); this.changed(); });
    on("flares", "change", () => { this.setModel("flares", $("flares").checked, true); this.changed(); });
    on("placebo", "change", () => { this.state.placebo = $("placebo").checked; this.changed(); });
    on("seed", "change", () => {
      const text = $("seed").value.trim();
      if (/^[0-9]{1,18}$/.test(text)) this.state.seed = text.replace(/^0+(?=\d)/, "");
      this.changed();
    });
  }

  setModel(name, value, usual) {
    const models = { ...this.state.models };
    if (value === usual) delete models[name];
    else models[name] = value;
    this.state.models = models;
  }

  /** Bring every control in line with the state. */
  show() {
    const { state, plan } = this;
    this.showTabs();
    $("preset").value = plan.preset;
    const preset = this.presets.find((one) => one.id === plan.preset);
    $("preset-words").textContent = preset ? preset.words : "Drawn here, or changed from a published one.";
    $("preset-source").textContent = $("preset-source").title = preset ? `${DESIGNS[preset.design] ?? preset.design}: ${preset.source}` : "\u00a0";
    $("drug").value = plan.drug;
    if (document.activeElement !== $("name")) $("name").value = title(plan.name);
    this.showSteps();
    for (const one of this.steps) one.show();
    this.byWeight.checked = this.row.by_weight;
    this.policies.show();
    this.showTimeline();
    for (const one of this.patients) one.show();
    this.differ.checked = state.weight.sd > 0 || state.baseline.sd > 0;
    choose($("follow-up"), state.days, span(Math.round(state.days)));
    choose($("patients"), state.patients, String(state.patients));
    $("pain-model").value = state.models.pain ?? "average";
    $("flares").checked = state.models.flares ?? true;
    $("placebo").checked = state.placebo;
    if (document.activeElement !== $("seed")) $("seed").value = state.seed;
  }

  showTabs() {
    const { state } = this;
    const tabs = state.plans.map((plan, i) => {
      const tab = node("button", { type: "button", className: `tab arm ${COLOURS[i]}` }, node("span", { className: "swatch" }), title(plan.name));
      tab.setAttribute("aria-pressed", String(i === state.focus));
      tab.addEventListener("click", () => {
        state.focus = i;
        state.step = 0;
        this.changed(false);
        $("tabs").children[i]?.focus();
      });
      return tab;
    });
    if (state.plans.length < MOST_PLANS) {
      const add = node("button", { type: "button", className: "tab add" }, "+ Compare");
      add.addEventListener("click", () => {
        const used = state.plans.map((plan) => plan.preset);
        const next = this.presets.find((one) => !used.includes(one.id)) ?? this.presets[0];
        state.plans.push(planOf(next, state.plans.map((plan) => plan.name)));
        state.focus = state.plans.length - 1;
        state.step = 0;
        this.changed();
        $("preset").focus();
      });
      tabs.push(add);
    }
    if (state.plans.length > 1) {
      const drop = node("button", { type: "button", className: "tab drop", title: "Remove this plan" }, "Remove");
      drop.setAttribute("aria-label", `Remove ${title(this.plan.name)}`);
      drop.addEventListener("click", () => {
        state.plans.splice(state.focus, 1);
        state.focus = Math.max(0, state.focus - 1);
        state.step = 0;
        this.changed();
        $("tabs").firstElementChild.focus();
      });
      tabs.push(drop);
    }
    $("tabs").replaceChildren(...tabs);
  }

  showSteps() {
    const { state, plan } = this;
    const made = plan.sessions.map((row, i) => {
      const last = day(row) + ((row.times - 1) * row.every_h) / 24;
      const days = row.times > 1 ? `days ${number(day(row), 4)}–${number(last, 4)}` : `day ${number(day(row), 4)}`;
      const step = node("button", { type: "button", className: "step" }, `${days}: ${number(row.rate)} mg/h, ${hours(row.hours)}`);
      step.setAttribute("aria-pressed", String(i === state.step));
      step.addEventListener("click", () => {
        state.step = i;
        this.changed(false);
        $("steps").children[i]?.focus();
      });
      return step;
    });
    const add = node("button", { type: "button", className: "step add" }, "+ Step");
    add.addEventListener("click", () => {
      const last = plan.sessions.at(-1);
      plan.sessions.push({ ...last, at_h: 24 * Math.ceil(endOf(plan) - 1e-9), times: 1, every_h: 24 });
      state.step = plan.sessions.length - 1;
      this.edited();
    });
    made.push(add);
    if (plan.sessions.length > 1) {
      const drop = node("button", { type: "button", className: "step drop" }, "Remove step");
      drop.addEventListener("click", () => {
        plan.sessions.splice(state.step, 1);
        state.step = Math.max(0, state.step - 1);
        this.edited();
        $("steps").firstElementChild.focus();
      });
      made.push(drop);
    }
    $("steps").replaceChildren(...made);
    $("step-legend").textContent = plan.sessions.length > 1 ? `Step ${state.step + 1} of ${plan.sessions.length}` : "Dose and time";
  }

  /** Bars of rate over time; one can be dragged, or moved with the arrow keys. */
  showTimeline() {
    const place = $("timeline");
    if (this.dragging) return this.moveBars();
    const width = place.clientWidth, height = 96;
    if (!width) return undefined;
    const { plan } = this;
    this.scale = { days: Math.max(3, endOf(plan) * 1.12), top: Math.max(10, ...plan.sessions.map((row) => row.rate)) * 1.15, width, base: height - 22, room: height - 34 };
    const svg = el("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Time line of the plan" });
    svg.append(this.axis());
    this.bars = plan.sessions.map((row, i) => {
      const group = el("g", { class: `bar arm ${COLOURS[this.state.focus]}${i === this.state.step ? " chosen" : ""}`, tabindex: "0", role: "button" });
      group.addEventListener("pointerdown", (event) => this.drag(event, i, group));
      group.addEventListener("keydown", (event) => this.key(event, i));
      group.addEventListener("focus", () => {
        if (this.state.step !== i && !this.dragging) {
          this.state.step = i;
          this.changed(false);
          this.bars[i]?.focus();
        }
      });
      svg.append(group);
      return group;
    });
    const had = place.contains(document.activeElement) && document.activeElement.tagName === "g";
    place.replaceChildren(svg);
    this.moveBars();
    if (had) this.bars[this.state.step]?.focus({ preventScroll: true });
    return undefined;
  }

  axis() {
    const { days, width, base } = this.scale;
    const axis = el("g", { class: "axes" }, el("path", { class: "base", d: `M0 ${base + 0.5}H${width}` }));
    const step = [1, 2, 7, 14, 28, 56, 91].find((s) => days / s <= 8) ?? 182;
    for (let d = 0; d < days - step * 0.4; d += step) {
      const x = (width * d) / days;
      axis.append(el("text", { x: x + 2, y: base + 15 }, `${d === 0 ? "day " : ""}${d + 1}`), el("path", { class: "grid", d: `M${x + 0.5} ${base}v5` }));
    }
    return axis;
  }

  moveBars() {
    const { days, top, width, base, room } = this.scale;
    this.plan.sessions.forEach((row, i) => {
      const group = this.bars[i];
      const rects = [];
      for (let k = 0; k < row.times; k += 1) {
        const x = (width * (row.at_h + k * row.every_h)) / 24 / days;
        const w = Math.max(2.5, (width * row.hours) / 24 / days);
        const h = Math.max(3, (room * row.rate) / top);
        rects.push(el("rect", { x, y: base - h, width: w, height: h, rx: 1.5 }));
      }
      const first = rects[0];
      const grip = el("rect", { class: "grip", x: Number(first.getAttribute("x")) - 3, y: 0, width: Number(first.getAttribute("width")) + 6, height: base });
      group.replaceChildren(grip, ...rects);
      if (i === this.state.step) group.append(el("text", { class: "rate", x: Math.min(width - 60, Number(first.getAttribute("x"))), y: Number(first.getAttribute("y")) - 4 }, `${number(row.rate)} mg/h`));
      group.setAttribute("aria-label", `Step ${i + 1}: ${plural(row.times, "session")} from day ${number(day(row), 4)}, ${hours(row.hours)} at ${number(row.rate)} milligrams an hour. Arrow keys left and right move it, up and down change the rate.`);
    });
  }

  drag(event, i, group) {
    const { days, top, width, room } = this.scale;
    const row = this.plan.sessions[i];
    const from = { x: event.clientX, y: event.clientY, at: row.at_h, rate: row.rate };
    this.state.step = i;
    this.dragging = true;
    group.setPointerCapture(event.pointerId);
    event.preventDefault();
    const move = (moved) => {
      row.at_h = clamp(Math.round((from.at / 24 + ((moved.clientX - from.x) / width) * days) * 1) * 24 + (from.at % 24), 0, 24 * 365);
      row.rate = clamp(Math.round(2 * (from.rate - ((moved.clientY - from.y) / room) * top)) / 2, 0.5, 200);
      this.edited();
    };
    const end = () => {
      group.removeEventListener("pointermove", move);
      this.dragging = false;
      this.changed();
    };
    group.addEventListener("pointermove", move);
    group.addEventListener("pointerup", end, { once: true });
    group.addEventListener("pointercancel", end, { once: true });
  }

  key(event, i) {
    const row = this.plan.sessions[i];
    const moves = { ArrowLeft: () => { row.at_h = Math.max(0, row.at_h - 24); }, ArrowRight: () => { row.at_h += 24; }, ArrowUp: () => { row.rate = Math.min(200, row.rate + 1); }, ArrowDown: () => { row.rate = Math.max(0.5, row.rate - 1); } };
    if (!moves[event.key]) return;
    event.preventDefault();
    this.state.step = i;
    moves[event.key]();
    this.edited();
  }
}

function choose(select, value, text) {
  const known = [...select.options].find((option) => Number(option.value) === Number(value));
  if (!known) select.append(node("option", { value: String(value) }, text));
  select.value = known ? known.value : String(value);
}
