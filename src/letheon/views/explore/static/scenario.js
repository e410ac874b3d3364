// What the page knows, and how it becomes a scenario and comes back from one.

import { slug } from "./words.js";

export const MOST_PLANS = 4;
const DEFAULT_AGE = { mean: 46, sd: 12 };

export function emptyState() {
  return {
    plans: [],
    focus: 0,
    step: 0,
    title: "Ketamine infusions compared",
    weight: { mean: 79, sd: 19 },
    baseline: { mean: 7.3, sd: 2 },
    age: DEFAULT_AGE,
    asian: 0,
    urine: null,
    days: 182,
    patients: 500,
    seed: "1",
    models: {},
    placebo: true,
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

function spread(given, unit) {
  return given.sd ? `${plain(given.mean)} ± ${plain(given.sd)} ${unit}` : `${plain(given.mean)} ${unit}`;
}

const rateText = (rate) => `${plain(rate.value)} mg/h${rate.by_weight ? "/70kg" : ""}`;

/** The one place where policies enter a scenario, as far as this version's scenario files know them. */
function policies(plan, known) {
  const made = {};
  const { boosters, titration, stop } = plan;
  if (boosters && (boosters.on === "relapse" ? known.boosters_on_relapse : known.boosters)) {
    const rule = boosters.on === "relapse" ? { on: "relapse", wait: `${boosters.wait_days} days` } : { every: boosters.gaps_days.map((days) => `${days} days`) };
    const { at, ...given } = session({ ...boosters.session, at_h: 0 });
    made.boosters = { ...rule, apart: `${boosters.apart_days} days`, session: given };
    if (boosters.at_most) made.boosters.at_most = `${boosters.at_most} per year`;
    if (boosters.times) made.boosters.times = boosters.times;
    if (stop) made.stop = Object.fromEntries(Object.entries({ no_response: stop.no_response, harm: stop.harm, dose: stop.dose_mg && `${plain(stop.dose_mg)} mg` }).filter(([, value]) => value));
  }
  if (titration && known.titration) {
    const { every_h, step, min = { value: 0 }, max, relief, harm, on_harm } = titration;
    made.titration = { every: clock(every_h), step: rateText(step), min: rateText(min), max: rateText(max), relief: `${plain(relief)} %`, harm, on_harm };
  }
  return made;
}

function beside(plan) {
  const given = Object.entries(plan.beside).filter(([, dose]) => dose);
  return given.length ? { beside: Object.fromEntries(given.map(([name, dose]) => [name.replace("_mg", ""), `${plain(dose)} mg`])) } : {};
}

const UNITS = { expectancy: " NRS" };

function models(given) {
  const made = {};
  for (const [name, value] of Object.entries(given)) {
    made[name] = typeof value === "boolean" ? (value ? "on" : "off") : `${value}${UNITS[name] ?? ""}`;
  }
  return made;
}

/** The scenario of what is on the page, in the words of a scenario file. */
export function scenarioOf(state, known) {
  const arms = {};
  for (const plan of state.plans) {
    arms[plan.name] = { drug: plan.drug, ...beside(plan), sessions: plan.sessions.map(session), ...policies(plan, known) };
  }
  if (state.placebo) arms.placebo = { drug: "placebo", like: state.plans[0].name };
  const made = {
    letheon: 1,
    title: state.title,
    population: { n: state.patients, weight: spread(state.weight, "kg"), baseline_nrs: spread(state.baseline, "NRS") },
    follow_up: `${plain(state.days)} days`,
    seed: "@seed@",
  };
  if (state.age.mean !== DEFAULT_AGE.mean || state.age.sd !== DEFAULT_AGE.sd) made.population.age = spread(state.age, "years");
  if (state.asian) made.population.asian = state.asian;
  if (state.urine) made.population.urine = `${plain(state.urine)} L/day`;
  if (Object.keys(state.models).length) made.models = models(state.models);
  made.arms = arms;
  // a seed may be longer than a browser's numbers are exact
  return JSON.stringify(made).replace('"@seed@"', state.seed);
}

/** The page's state from what /api/read returned. */
export function stateOf(form) {
  const drugs = form.arms.filter((arm) => arm.drug !== "placebo").slice(0, MOST_PLANS);
  return {
    ...emptyState(),
    title: form.title,
    plans: drugs.map((arm) => ({
      name: arm.name,
      preset: "",
      drug: arm.drug,
      sessions: arm.sessions,
      beside: arm.beside,
      boosters: arm.boosters,
      titration: arm.titration,
      stop: arm.stop,
    })),
    weight: form.weight,
    baseline: form.baseline,
    age: form.age,
    asian: form.asian,
    urine: form.urine_l_day,
    days: form.follow_up_days,
    patients: form.patients,
    seed: form.seed,
    models: changed(form.models),
    placebo: form.arms.some((arm) => arm.drug === "placebo"),
  };
}

const DEFAULTS = { pk: "auto", pain: "memory", rival: true, flares: true, expectancy: 0, norketamine: 0, induction: false, occasions: false, borrow_variability: false };

function changed(given) {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => value !== DEFAULTS[name]));
}

export const BOOSTERS = { on: "relapse", gaps_days: [42], wait_days: 14, apart_days: 7, at_most: 6, times: 0, session: { at_h: 0, hours: 4, rate: 25, by_weight: false, max: null, every_h: 24, times: 1 } };
export const TITRATION = { every_h: 8, step: { value: 5, by_weight: false }, max: { value: 40, by_weight: false }, relief: 50, harm: "spontaneous", on_harm: "down" };

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
