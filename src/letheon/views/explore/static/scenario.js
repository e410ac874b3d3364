// What the page knows, and how it becomes a scenario and comes back from one.

import { slug } from "./words.js";

export const MOST_PLANS = 4;

/** What the page shows first; `grammar` is what /api/status tells of the keys of a scenario. */
export function emptyState({ population }) {
  return {
    plans: [],
    focus: 0,
    step: 0,
    title: "Ketamine infusions compared",
    weight: population.weight.default,
    baseline: population.baseline_nrs.default,
    age: population.age.default,
    asian: population.asian.default,
    urine: null,
    days: 182,
    patients: 500,
    seed: "1",
    models: {},
    placebo: true,
    compare: null,
  };
}

export function planOf(preset, taken) {
  return { name: slug(preset.name, taken), preset: preset.id, drug: preset.drug, sessions: preset.sessions.map((row) => ({ ...row })), beside: {}, boosters: null, titration: null, stop: null };
}

const plain = (value) => String(Number(Number(value).toPrecision(10)));

/** A time in the unit that says it exactly: forty minutes have no end as hours. */
function clock(hours) {
  if (Math.abs(4 * hours - Math.round(4 * hours)) < 1e-5) return `${plain(Math.round(4 * hours) / 4)} h`;
  const minutes = Math.round(60 * hours);
  return Math.abs(60 * hours - minutes) < 1e-3 ? `${minutes} min` : `${plain(Math.round(3.6e6 * hours) / 1000)} s`;
}

function session(row) {
  const made = {
    at: clock(row.at_h),
    rate: `${plain(row.rate)} mg/h${row.by_weight ? "/70kg" : ""}`,
    for: clock(row.hours),
    repeat: { every: clock(row.every_h), times: row.times },
  };
  if (row.max) made.max = `${plain(row.max)} mg/h`;
  return made;
}

/** How the page's numbers are written, by the kind that the grammar gives a key. */
const WRITE = {
  "time": clock,
  "rate": ({ value, by_weight }) => `${plain(value)} mg/h${by_weight ? "/70kg" : ""}`,
  "mean ± spread": ({ mean, sd }, unit) => `${plain(mean)}${sd ? ` ± ${plain(sd)}` : ""} ${unit}`,
  "number": (value, unit) => (unit ? `${value} ${unit}` : value),
  "switch": (value) => (value ? "on" : "off"),
  "dose": (value) => `${plain(value)} mg`,
  "flow": (value) => `${plain(value)} L/day`,
  "per cent": (value) => `${plain(value)} %`,
  "whole days": (value) => `${value} days`,
  "whole days, or a range, or a list": (values) => values.map((value) => `${value} days`),
  "number per year": (value) => `${value} per year`,
  "map": (row) => {
    const { at, ...rest } = session({ ...row, at_h: 0 });
    return rest;
  },
};

/** A map of a scenario file from the page's numbers; what is 0 or absent stays out. */
function written(keys, values) {
  const made = {};
  for (const [name, { kind, unit }] of Object.entries(keys)) {
    const value = values[name];
    if (value !== undefined && value !== null && value !== 0 && value !== "") made[name] = (WRITE[kind] ?? ((same) => same))(value, unit);
  }
  return made;
}

function policies({ boosters, ladder, titration, stop, wean, limits }, grammar) {
  const made = { ...(wean ? { wean } : {}), ...(limits ? { limits } : {}) };
  if (boosters) {
    const { on, every, wait, ...rest } = boosters;
    made.boosters = written(grammar.boosters, on === "relapse" ? { ...rest, on, wait } : { ...rest, every });
  } else if (ladder) made.boosters = ladder;
  if (made.boosters && stop) made.stop = written(grammar.stop, stop);
  if (titration) made.titration = written(grammar.titration, { min: { value: 0 }, ...titration });
  return made;
}

/** The scenario of what is on the page, in the words of a scenario file. */
export function scenarioOf(state, grammar) {
  const arms = {};
  for (const plan of state.plans) {
    const beside = written(grammar.beside, plan.beside);
    arms[plan.name] = { drug: plan.drug, ...(Object.keys(beside).length ? { beside } : {}), ...(plan.also?.length ? { also: plan.also } : {}), sessions: plan.sessions.map(session), ...policies(plan, grammar) };
  }
  if (state.placebo) arms.placebo = { drug: "placebo", like: state.plans[0].name };
  const made = {
    letheon: 1,
    title: state.title,
    population: written(grammar.population, { ...state, n: state.patients, baseline_nrs: state.baseline }),
    follow_up: `${plain(state.days)} days`,
    seed: "@seed@",
  };
  if (Object.keys(state.models).length) made.models = written(grammar.models, state.models);
  made.arms = arms;
  // a plan that was renamed or removed since is compared with no more
  if (Object.hasOwn(arms, state.compare ?? "") && Object.keys(arms).length > 1) made.compare = { against: state.compare };
  // a seed may be longer than a browser's numbers are exact
  return JSON.stringify(made).replace('"@seed@"', state.seed);
}

/** The page's state from what /api/read returned. */
export function stateOf(form, grammar) {
  const drugs = form.arms.filter((arm) => arm.drug !== "placebo").slice(0, MOST_PLANS);
  const { n, weight, baseline_nrs, age, asian, urine } = form.population;
  return {
    ...emptyState(grammar),
    title: form.title,
    plans: drugs.map(({ name, drug, sessions, beside, also, boosters, ladder, titration, stop, wean, limits }) => ({
      name, preset: "", drug, sessions, beside, also, ladder, titration, stop, wean, limits,
      boosters: boosters && { ...BOOSTERS, on: "calendar", at_most: 0, ...boosters },
    })),
    weight, baseline: baseline_nrs, age, asian, urine,
    days: form.follow_up_days,
    patients: n,
    seed: form.seed,
    models: Object.fromEntries(Object.entries(form.models).filter(([name, value]) => value !== grammar.models[name].default)),
    placebo: form.arms.some((arm) => arm.drug === "placebo"),
    compare: form.arms.some((arm) => arm.drug === "placebo" && arm.name === form.compare) ? "placebo" : form.compare,
  };
}

export const BOOSTERS = { on: "relapse", every: [], wait: 14, apart: 7, at_most: 6, times: 0, session: { at_h: 0, hours: 4, rate: 25, by_weight: false, max: null, every_h: 24, times: 1 } };
export const TITRATION = { every: 8, step: { value: 5, by_weight: false }, max: { value: 40, by_weight: false }, relief: 50, harm: "spontaneous", on_harm: "down" };

/** Days over which the plan's drug runs, first to last. */
export function endOf(plan) {
  return Math.max(...plan.sessions.map((row) => row.at_h + (row.times - 1) * row.every_h + row.hours)) / 24;
}

// --- a link that carries it all ---

async function squeezed(bytes, stream) {
  const piped = new Blob([bytes]).stream().pipeThrough(stream);
  return new Uint8Array(await new Response(piped).arrayBuffer());
}

export async function toFragment(text) {
  const bytes = await squeezed(new TextEncoder().encode(text), new CompressionStream("deflate-raw"));
  let raw = "";
  for (const byte of bytes) raw += String.fromCharCode(byte);
  return `#s=${btoa(raw).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`;
}

export async function fromFragment(hash, most = 30000) {
  const found = /^#s=([A-Za-z0-9_-]{1,40000})$/.exec(hash);
  if (!found) return null;
  const raw = atob(found[1].replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) throw new Error("the link holds more than a scenario.");
    parts.push(value);
  }
  return new Blob(parts).text();
}
