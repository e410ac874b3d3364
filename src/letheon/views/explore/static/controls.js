// Sliders, and the controls of what a clinic decides as it goes: boosters and titration.

import { node } from "./results.js";
import { BOOSTERS, TITRATION } from "./scenario.js";
import { hours, number, plural } from "./words.js";

const $ = (id) => document.getElementById(id);

/** A slider for one number of a thing; the number beside it carries its unit. */
export function slider(one, from, changed) {
  const id = `slide-${one.key}`;
  const input = node("input", { type: "range", id, min: String(one.min), max: String(one.max), step: String(one.step) });
  const out = node("output", { htmlFor: id });
  const made = node("div", { className: "slide" }, node("label", { htmlFor: id }, one.label), input, out);
  input.addEventListener("input", () => {
    one.set(from(), Number(input.value));
    changed();
  });
  const show = () => {
    const thing = from();
    if (!thing) return;
    const value = one.get(thing);
    input.max = String(Math.max(one.max, Math.ceil(value)));
    input.min = String(Math.min(one.min, value));
    input.step = Math.abs(value / one.step - Math.round(value / one.step)) < 1e-6 ? String(one.step) : "any";
    if (Number(input.value) !== value) input.value = String(value);
    const told = one.say(value, thing);
    out.textContent = told;
    input.setAttribute("aria-valuetext", told);
  };
  return { made, show };
}

const copy = (thing) => structuredClone(thing);

const BOOSTER = [
  { key: "b-every", label: "One every", min: 1, max: 26, step: 1, get: (b) => b.every[0] / 7, set: (b, v) => { b.every = [7 * v]; }, say: (v) => plural(Number(v.toFixed(1)), "week"), on: "calendar" },
  { key: "b-wait", label: "Waiting time", min: 0, max: 42, step: 1, get: (b) => b.wait, set: (b, v) => { b.wait = v; }, say: (v) => plural(v, "day"), on: "relapse" },
  { key: "b-most", label: "At most", min: 1, max: 26, step: 1, get: (b) => b.at_most || 26, set: (b, v) => { b.at_most = v; }, say: (v) => `${v} a year`, on: "relapse" },
  { key: "b-rate", label: "Rate", min: 0.5, max: 60, step: 0.5, get: (b) => b.session.rate, set: (b, v) => { b.session.rate = v; }, say: (v, b) => `${number(v)} mg/h${b.session.by_weight ? "/70 kg" : ""}` },
  { key: "b-hours", label: "Length", min: 0.5, max: 24, step: 0.5, get: (b) => b.session.hours, set: (b, v) => { b.session.hours = v; }, say: hours },
  { key: "b-days", label: "How many", min: 1, max: 10, step: 1, get: (b) => b.session.times, set: (b, v) => { b.session.times = v; }, say: (v) => plural(v, "session") },
];

const TITRATE = [
  { key: "t-every", label: "Look every", min: 1, max: 24, step: 1, get: (t) => t.every, set: (t, v) => { t.every = v; }, say: hours },
  { key: "t-step", label: "Step", min: 0.5, max: 20, step: 0.5, get: (t) => t.step.value, set: (t, v) => { t.step.value = v; }, say: (v, t) => `${number(v)} mg/h${t.step.by_weight ? "/70 kg" : ""}` },
  { key: "t-max", label: "Up to", min: 5, max: 100, step: 1, get: (t) => t.max.value, set: (t, v) => { t.max.value = v; }, say: (v, t) => `${number(v)} mg/h${t.max.by_weight ? "/70 kg" : ""}` },
  { key: "t-relief", label: "Until relief", min: 10, max: 90, step: 5, get: (t) => t.relief, set: (t, v) => { t.relief = v; }, say: (v) => `of ${number(v)}\u202f%` },
];

/** Boosters and titration of the plan in hand. */
export class Policies {
  constructor(plan, changed) {
    this.plan = plan;
    const kinds = [["", "None"], ["ladder", "As written, in rungs"], ["relapse", "When pain is back"], ["calendar", "On a calendar"]];
    this.kind = node("select", { id: "booster-kind" }, ...kinds.map(([value, text]) => node("option", { value }, text)));
    this.boosters = BOOSTER.map((one) => ({ ...slider(one, () => plan().boosters, changed), on: one.on }));
    const field = node("div", { className: "slide choice" }, node("label", { htmlFor: "booster-kind" }, "Boosters"), this.kind);
    $("boosters").append(field, ...this.boosters.map((one) => one.made));
    this.kind.addEventListener("change", () => {
      const on = this.kind.value;
      if (on !== "ladder") plan().ladder = null;
      const before = plan().boosters ?? copy(BOOSTERS);
      plan().boosters = on ? { ...before, on, every: on === "calendar" ? (before.every.length ? before.every : [42]) : [], at_most: on === "relapse" ? before.at_most || 6 : 0 } : null;
      changed();
    });
    this.titrates = node("input", { type: "checkbox", id: "titrates" });
    this.titration = TITRATE.map((one) => slider(one, () => plan().titration, changed));
    $("titration").append(node("label", { className: "check" }, this.titrates, " raise the rate until pain or side effects say stop"), ...this.titration.map((one) => one.made));
    this.titrates.addEventListener("change", () => {
      plan().titration = this.titrates.checked ? begun(plan()) : null;
      changed();
    });
  }

  show() {
    const { boosters, ladder, titration } = this.plan();
    this.kind.value = boosters?.on ?? (ladder ? "ladder" : "");
    this.kind.options[1].hidden = !ladder; // only a file can bring one
    for (const one of this.boosters) {
      one.made.hidden = !boosters || (one.on !== undefined && one.on !== boosters.on);
      if (!one.made.hidden) one.show();
    }
    this.titrates.checked = Boolean(titration);
    for (const one of this.titration) {
      one.made.hidden = !titration;
      one.show();
    }
  }
}

/** A titration that may start from what the plan already gives. */
function begun(plan) {
  const made = copy(TITRATION);
  const by_weight = plan.sessions.some((row) => row.by_weight);
  made.step.by_weight = by_weight;
  made.max = { value: Math.max(30, ...plan.sessions.map((row) => Math.ceil(row.rate))), by_weight };
  return made;
}
