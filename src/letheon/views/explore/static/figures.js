// Which figures there are, and what each draws of an answer.

import { dayAxis, lines, timeAxis } from "./chart.js";
import { amount, between, number, percent, title } from "./words.js";

const LAWS = {
  saturating: "if injury levels off", unsaturated: "if it does not",
  saturating_by_urine: "if injury levels off, by urine", unsaturated_by_urine: "if it does not, by urine",
};
const ACUTE = [
  ["psychomimetic_elicited", "Dreamlike or strange, if asked"],
  ["psychomimetic_spontaneous", "The same, reported spontaneously"],
  ["counted_nausea", "Nausea"],
  ["counted_headache", "Headache"],
  ["counted_night_terrors", "Night terrors"],
  ["counted_hallucination", "Hallucinations"],
  ["counted_sedation", "Drowsiness"],
  ["counted_dizziness", "Dizziness"],
];
/** Both explanations of relief: where they stand beside their average they are thin lines with marks. */
const ALONE = { memory: "Pain memory", slow_site: "Fading effect" };
const score = (value) => amount(value, "NRS");
const share = (value) => percent(value);

/** Arms of an answer in drawing order, with how each is drawn. */
export function armsOf(answer, looks) {
  return Object.entries(answer.arms).map(([name, arm]) => ({ name, arm, title: title(name), ...looks[name] }));
}

function whole(view, key, pick = (arm) => arm.lines.whole[key]) {
  return view.arms.map((one) => {
    const band = pick(one.arm);
    const focused = one.name === view.focus;
    const made = { name: one.title, colour: one.colour, dash: one.dash, t: one.arm.lines.whole.t, mean: band.mean };
    if (view.show.band && (focused || view.arms.length <= 3)) Object.assign(made, { lo: band.mean_lo, hi: band.mean_hi });
    if (view.show.range && focused) Object.assign(made, { q05: band.q05, q95: band.q95 });
    return made;
  });
}

/** What each explanation alone says of the plan in hand. */
function alone(view, pick) {
  const one = view.arms.find((arm) => arm.name === view.focus);
  if (!view.show.alone || !one) return [];
  return Object.keys(one.arm.by_model).map((model) => ({ name: ALONE[model], colour: one.colour, dash: "alone", glyph: model, ...pick(model, one) }));
}

function marks(view) {
  return view.arms.filter((one) => one.dash !== "placebo").map((one) => ({ colour: one.colour, spans: one.arm.marks }));
}

function wide(place, days) {
  return timeAxis(days, place.clientWidth > 560 ? 13 : 7);
}

function lastOf(view, key) {
  return view.arms.map((one) => `${one.title} ${score(one.arm.lines.whole[key].mean.at(-1))}`).join(", ");
}

export const FIGURES = {
  pain: {
    title: "Pain",
    draw(place, view) {
      const series = whole(view, "nrs");
      series.push(...alone(view, (model, one) => {
        const { mean, mean_lo: low, mean_hi: high } = one.arm.lines.whole[`${model}_nrs`];
        return { t: one.arm.lines.whole.t, mean, known: [low, high] };
      }));
      return lines(place, {
        axis: wide(place, view.answer.follow_up_days),
        y: { top: 10, fixed: 2, tick: String, say: score },
        series, marks: marks(view), ends: true,
        label: `Average pain score from 0 to 10 over ${view.answer.follow_up_days} days. At the end: ${lastOf(view, "nrs")}.`,
      });
    },
  },
  relief: {
    title: "Relief: patients with at least 30 % less pain",
    draw(place, view) {
      const days = daysOf(view.arms[0].arm.endpoints, "responder_30");
      const series = view.arms.map((one, i) => {
        const entries = days.map((day) => one.arm.endpoints[`responder_30_day_${day}`]);
        return {
          name: one.title, colour: one.colour, dash: one.dash, dots: true,
          t: days.map((_, place) => place + 0.5 + 0.13 * (i - (view.arms.length - 1) / 2)),
          mean: entries.map((entry) => entry.mean),
          whiskers: view.show.band ? [0, 1].map((end) => entries.map((entry) => entry.mean_interval[end])) : null,
        };
      });
      series.push(...alone(view, (model, { arm }) => {
        const entries = days.map((day) => arm.by_model[model].endpoints[`responder_30_day_${day}`]);
        const known = [0, 1].map((end) => entries.map((entry) => entry.mean_interval[end]));
        return { t: days.map((_, place) => place + 0.5), mean: entries.map((entry) => entry.mean), known };
      }));
      return lines(place, {
        axis: dayAxis(days), y: { top: 1, fixed: 0.25, tick: (v) => `${100 * v}%`, say: share }, series,
        label: `Share of patients with at least 30 per cent less pain, by day. On the last day: ${series.map((one) => `${one.name} ${percent(one.mean.at(-1))}`).join(", ")}.`,
      });
    },
  },
  relapse: {
    title: "Patients still in remission",
    draw(place, view) {
      const series = view.arms.map((one) => {
        const held = one.arm.endpoints.time_to_relapse_days.at_risk;
        return { name: one.title, colour: one.colour, dash: one.dash, dots: true, t: held.map((at) => at.day), mean: held.map((at) => at.n / view.answer.n_patients) };
      });
      series.push(...alone(view, (model, { arm }) => {
        const held = arm.by_model[model].endpoints.time_to_relapse_days.at_risk;
        return { t: held.map((at) => at.day), mean: held.map((at) => at.n / view.answer.n_patients) };
      }));
      const top = Math.max(0.2, ...series.flatMap((one) => one.mean));
      const axis = wide(place, Math.max(1, ...series.flatMap((one) => one.t)));
      axis.label = `${axis.unit === "days" ? "Days" : "Hours"} since the end of the course`;
      return lines(place, {
        axis, y: { top, tick: (v) => `${Math.round(100 * v)}%`, say: share }, series,
        label: `Share of patients with at least 30 per cent less pain at any time within 14 days after the course, and whose pain is not back. ${series.map((one) => `${one.name}: ${percent(one.mean[0])} at first, ${percent(one.mean.at(-1))} after ${one.t.at(-1)} days`).join("; ")}.`,
      });
    },
  },
  memory: {
    title: "Memory of pain",
    draw(place, view) {
      const key = view.arms[0].arm.lines.state;
      return lines(place, {
        axis: wide(place, view.answer.follow_up_days), y: { top: 1, fixed: 0.25, tick: (v) => number(v), say: (v) => number(v, 2) },
        series: whole(view, key), marks: marks(view),
        label: `${key === "sensitisation" ? "Sensitisation of nerve cells" : "Effect of the drug at its slow site"}, 0 to 1, over ${view.answer.follow_up_days} days.`,
      });
    },
  },
  block: {
    title: "NMDA receptor block",
    draw(place, view) {
      const arms = view.arms.filter((one) => one.dash !== "placebo");
      const series = arms.map((one) => {
        const { t, nmda_block: band } = one.arm.lines.course;
        const focused = one.name === view.focus;
        return { name: one.title, colour: one.colour, dash: one.dash, t, mean: band.mean, ...(focused && view.show.band ? { lo: band.mean_lo, hi: band.mean_hi } : {}), ...(focused && view.show.range ? { q05: band.q05, q95: band.q95 } : {}) };
      });
      const top = Math.max(0.1, ...series.flatMap((one) => [Math.max(...one.mean), ...(one.q95 ? [Math.max(...one.q95)] : [])]));
      return lines(place, {
        axis: timeAxis(view.answer.course_days, place.clientWidth > 560 ? 11 : 6), y: { top: Math.min(1, top), tick: (v) => `${Math.round(100 * v)}%`, say: share }, series,
        label: `Share of NMDA receptors blocked around the course. Highest average: ${series.map((one) => `${one.name} ${percent(Math.max(...one.mean))}`).join(", ")}.`,
      });
    },
  },
  levels: {
    title: "Drug in the blood (ng/mL)",
    draw(place, view) {
      const one = view.arms.find((arm) => arm.name === view.focus) ?? view.arms[0];
      const days = Math.min(view.answer.course_days, one.arm.course_end_day + 3);
      const { t, levels } = until(one.arm.lines.course, days);
      const named = Object.entries(levels);
      const series = named.map(([name, band], i) => ({ name: ANALYTES[name] ?? name, colour: `level-${i}`, dash: i > 1 ? "dashed" : "", t, mean: band.mean, ...(view.show.range && i === mainLevel(named) ? { q05: band.q05, q95: band.q95 } : {}) }));
      const top = Math.max(1, ...series.flatMap((line) => [Math.max(...line.mean), ...(line.q95 ? [Math.max(...line.q95)] : [])]));
      return lines(place, {
        axis: timeAxis(days, place.clientWidth > 560 ? 11 : 6), y: { top, tick: (v) => number(v), say: (v) => `${number(v)} ng/mL` }, series,
        label: `Levels in plasma of ${one.title}, in nanograms a millilitre. Highest averages: ${series.map((line) => `${line.name} ${number(Math.max(...line.mean))}`).join(", ")}.`,
      });
    },
  },
  dose: {
    title: "Drug in all (mg)",
    draw(place, view) {
      const arms = view.arms.filter((one) => one.dash !== "placebo");
      const open = arms.some(({ arm }) => arm.lines.dose.end);
      const days = open ? view.answer.follow_up_days : Math.max(view.answer.course_days, ...arms.map((one) => Math.min(view.answer.follow_up_days, one.arm.last_infusion_day + 3)));
      const series = arms.flatMap((one, i) => given(one, days, view.show.range, i));
      const top = Math.max(10, ...series.flatMap((one) => [...one.mean, ...(one.whiskers?.[1] ?? [])]));
      return lines(place, {
        axis: timeAxis(days, place.clientWidth > 560 ? 11 : 6), y: { top, tick: (v) => number(v), say: (v) => `${number(v)} mg` }, series,
        label: `Drug given so far in milligrams. In all, on average: ${arms.map((one) => `${one.title} ${number(one.arm.lines.dose.mg.at(-1))}`).join(", ")}.`,
      });
    },
  },
  boosters: {
    title: "Boosters a year",
    rows(view) {
      const arms = drugged(view);
      const known = arms.map((one) => one.arm.boosters_a_year).filter(Boolean);
      const made = arms.map((one) => ({ label: one.title, note: ruleOf(one.arm.boosters_a_year), values: [boosters(view, one)] }));
      return {
        x: { top: Math.max(4, Math.ceil(1.6 * Math.max(0, ...known.map((one) => Math.max(one.q95, one.mean_interval[1]))))), tick: String, label: "Boosters a year", bare: !known.length },
        rows: made,
        label: `Boosters a year. ${made.map((row) => `${row.label}: ${row.values[0].say}`).join("; ")}.`,
      };
    },
  },
  load: {
    title: "Dreamlike effects, strength",
    rows(view) {
      const made = [["psychedelic_load", "At their strongest"], ["psychedelic_load_session", "In an average session"]]
        .map(([key, label]) => ({ label, values: drugged(view).map((one) => strength(view, one, one.arm.harms.entries[key])) }));
      return {
        x: { top: 100, step: 25, tick: (v) => `${v}%`, label: "Per cent of the top of a rating scale" }, rows: made,
        label: `Strength of dreamlike effects, per cent of the top of a rating scale. ${made.map((row) => `${row.label}: ${row.values.map((value, i) => `${drugged(view)[i].title} ${value.say}`).join(", ")}`).join(". ")}.`,
      };
    },
  },
  acute: {
    title: "During the infusion",
    rows(view) {
      return {
        x: { top: 1, tick: (v) => `${Math.round(100 * v)}%`, label: "Patients" },
        rows: ACUTE.map(([key, label]) => ({ label, note: aside(view, key), values: armsFor(view, key).map((one) => interval(one, one.arm.harms.entries[key])) })),
        label: `Patients with each effect during the infusion. ${ACUTE.map(([key, label]) => `${label}: ${armsFor(view, key).map((one) => `${one.title} ${told(one.arm.harms.entries[key])}`).join(", ")}`).join(". ")}.`,
      };
    },
  },
  bladder: {
    title: "The bladder",
    rows(view) {
      const made = [["bladder_symptoms", "Urinary symptoms"], ["bladder_lasting_loss", "Lasting loss of capacity"]].flatMap(([key, label]) =>
        Object.keys(view.arms[0].arm.harms.entries[key]?.laws ?? LAWS).map((law) => ({ label, note: LAWS[law] ?? law.replaceAll("_", " "), values: view.arms.map((one) => interval(one, one.arm.harms.entries[key]?.laws?.[law])) })));
      return {
        x: { top: 1, tick: (v) => `${Math.round(100 * v)}%`, label: "Patients; no study of infusions has looked" },
        rows: made,
        label: `Patients with bladder harm by both estimates. ${made.map((row) => `${row.label}, ${row.note}: ${row.values.map((value, i) => `${view.arms[i].title} ${value.say}`).join(", ")}`).join(". ")}.`,
      };
    },
  },
  mood: {
    title: "Mood, in people who are depressed",
    rows(view) {
      const arms = drugged(view);
      const made = [["mood_fall", "A day after dosing, beyond a comparison"], ["mood_fall_end", "The same at the end"]].map(([key, label]) => ({ label, values: arms.map((one) => points(one.colour, one.arm.harms.entries[key])) }));
      const masked = arms[0].arm.harms.entries.mood_masked;
      if (masked) made.push({ label: "In the one trial where nobody could tell", values: [points("sham", masked)] });
      return {
        x: { low: -8, top: 24, step: 8, tick: signed, label: "Points" }, rows: made,
        label: `Fall of a depression scale beyond a comparison. ${made.map((row) => `${row.label}: ${row.values.map((value) => value.say).join(", ")}`).join(". ")}.`,
      };
    },
  },
};

const ANALYTES = { esketamine: "S-ketamine", arketamine: "R-ketamine", esnorketamine: "S-norketamine", arnorketamine: "R-norketamine", eshydroxynorketamine: "S-hydroxynork." };

function mainLevel(named) {
  const at = named.findIndex(([name]) => name === "esketamine");
  return at < 0 ? 0 : at;
}

/** Levels up to a day. */
function until({ t, levels }, days) {
  const count = t.filter((day) => day <= days + 1e-9).length;
  const cut = (band) => Object.fromEntries(Object.entries(band).map(([key, values]) => [key, values.slice(0, count)]));
  return { t: t.slice(0, count), levels: Object.fromEntries(Object.entries(levels).map(([name, band]) => [name, cut(band)])) };
}

function drugged(view) {
  return view.arms.filter((one) => one.dash !== "placebo");
}

/** Drug so far: the timetable; dashed what rules add on average, and at its end where patients lie. */
function given(one, days, range, place) {
  const { t, mg, fixed, end } = one.arm.lines.dose;
  const look = { name: one.title, colour: one.colour };
  if (end) {
    const made = [{ ...look, dash: "adds", t: t.slice(fixed - 1), mean: mg.slice(fixed - 1) }];
    if (fixed > 2) made.unshift({ ...look, dash: one.dash, t: t.slice(0, fixed), mean: mg.slice(0, fixed), silent: true });
    return [...made, { ...look, t: [days * (1 - 0.015 * place)], mean: [end.mean], dots: true, silent: true, whiskers: range ? [[end.q05], [end.q95]] : null }];
  }
  const count = t.filter((day) => day <= days).length;
  const cut = { t: t.slice(0, count), mean: mg.slice(0, count) };
  if (cut.t.at(-1) < days) {
    cut.t.push(days);
    cut.mean.push(cut.mean.at(-1));
  }
  return [{ ...look, dash: one.dash, ...cut }];
}

function ruleOf(entry) {
  if (!entry) return "";
  return entry.on_relapse ? "when pain is back" : "on a calendar";
}

function boosters(view, one) {
  const entry = one.arm.boosters_a_year;
  if (!entry) {
    const later = one.arm.last_infusion_day > one.arm.course_end_day + 1;
    const words = later ? `none: the timetable itself goes on to day ${number(one.arm.last_infusion_day)}` : "none: this plan ends with its course";
    return { colour: one.colour, words, say: words };
  }
  const [low, high] = entry.mean_interval;
  const made = { colour: one.colour, low, high, estimate: entry.mean, say: `${amount(entry.mean, "boosters")} (${between([low, high], "boosters")})` };
  return view.show.range ? { ...made, q05: entry.q05, q95: entry.q95 } : made;
}

function strength(view, one, entry) {
  if (!entry) return { colour: one.colour, words: "not computed", say: "not computed" };
  const [low, high] = entry.interval;
  const made = { colour: one.colour, low, high, estimate: entry.estimate, say: `${amount(entry.estimate, "%")} (${between([low, high], "%")})` };
  return view.show.range && entry.q05 !== undefined ? { ...made, q05: entry.q05, q95: entry.q95 } : made;
}

function aside(view, key) {
  const drugs = view.arms.filter((one) => one.dash !== "placebo").map((one) => one.arm.harms.entries[key]);
  if (drugs.every((entry) => !entry || told(entry) === "not known")) return "nobody has counted it";
  return drugs.some((entry) => entry?.beyond_placebo) ? "beyond placebo" : "";
}

/** Placebo stands beside what was simulated; counts of drug arms are compared with it already. */
function armsFor(view, key) {
  return key.startsWith("counted_") ? view.arms.filter((one) => one.dash !== "placebo") : view.arms;
}

function signed(value) {
  return value < 0 ? `\u2212${-value}` : String(value);
}

function points(colour, entry) {
  const [low, high] = entry.interval;
  return { colour, low, high, estimate: entry.estimate, say: entry.estimate === null ? between([low, high], "NRS") : `${amount(entry.estimate, "NRS")} (${between([low, high], "NRS")})` };
}

/** The substances of the levels, for a legend. */
export function substances(view) {
  const one = view.arms.find((arm) => arm.name === view.focus) ?? view.arms[0];
  return Object.keys(one.arm.lines.course.levels).map((name, i) => ({ name: ANALYTES[name] ?? name, colour: `level-${i}` }));
}

function told(entry) {
  if (!entry) return "not computed";
  const [low, high] = entry.interval;
  if (entry.estimate === null || entry.estimate === undefined) return low === 0 && high === 1 ? "not known" : `between ${between([low, high], "share").replace(" to ", " and ")}`;
  return `${percent(entry.estimate)} (${between([low, high], "share")})`;
}

function interval(one, entry) {
  if (!entry) return { colour: one.colour, unknown: true, say: "not computed" };
  const [low, high] = entry.interval;
  const unknown = (entry.estimate === null || entry.estimate === undefined) && low === 0 && high === 1;
  return { colour: one.colour, low, high, estimate: entry.estimate, unknown, say: told(entry) };
}

export function daysOf(endpoints, stem) {
  const found = [];
  for (const key of Object.keys(endpoints)) {
    const match = new RegExp(`^${stem}_day_(\\d+)$`).exec(key);
    if (match) found.push(Number(match[1]));
  }
  return found.sort((a, b) => a - b);
}
