// The words and numbers of an answer: the table, the summary, the questions, the labels.

import { daysOf } from "./figures.js";
import { THIN, amount, between, chance, change, number, percent, plural, span, spanned, title } from "./words.js";

export function node(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let meanings = {};

export function labels(support) {
  meanings = support;
  const rows = Object.entries(support).map(([name, text]) => node("div", {}, node("dt", {}, badge(name)), node("dd", {}, text)));
  document.getElementById("labels").replaceChildren(...rows);
}

/** A label with the studies that it rests on: from an entry, or from the label alone. */
export function badge(given) {
  const support = typeof given === "string" ? given : given?.support;
  if (!support) return null;
  const named = ["randomised", "extrapolated", "uncontrolled"].includes(support) ? (given.basis ?? []) : [];
  const text = [support, named.join(", ")].filter(Boolean).join(" ");
  return node("span", { className: `badge ${support.replace(/[^a-z]+/g, "-")}`, title: meanings[support] ?? "" }, text);
}

function cell(main, note, entry) {
  return node("td", {}, node("b", {}, main), note ? node("span", { className: "soft" }, ` ${note}`) : null, badge(entry));
}

function soft(text) {
  return node("span", { className: "soft line" }, text);
}

/** What each explanation alone says of a number, below it. */
function apart(made, one, key, view) {
  const said = one.arm.apart[key];
  if (!said || !view.show.alone || one.dash === "placebo") return made;
  made.append(...said.lines.map(soft), ...(said.disagree ? [node("span", { className: "line disagree" }, "The two disagree.")] : []));
  return made;
}

/** What the answer says of relief: the number that leads, then a line for each of the rest. */
function relief(told) {
  const made = cell(told.value, "", told.support);
  made.querySelector("b").after(...[told.aside, ...told.more].map(soft));
  return made;
}

function endpoint(entry, unit = entry.unit) {
  return cell(amount(entry.mean, unit), entry.mean_interval ? `(${between(entry.mean_interval, unit)})` : "", entry);
}

/** The first week, twelve weeks and the end, as far as the run reaches. */
export function landmarks(arm, supported) {
  const days = daysOf(arm.endpoints, "nrs");
  return [...new Set([days.filter((day) => day <= 7).at(-1) ?? days[0], days.filter((day) => day <= supported).at(-1) ?? days[0], days.at(-1)])];
}

function when(day) {
  return day === 7 ? "1 week" : span(day);
}

function relapse(entry) {
  if (!entry.in_remission) return cell("nobody in remission", "");
  const note = "after the course";
  return entry.median === null ? cell(`over ${span(Math.floor(entry.restricted_to))}`, note, entry) : cell(plural(Math.round(entry.median), "day"), note, entry);
}

function boosters(entry) {
  if (!entry) return cell("none", "");
  const [low, middle, high] = [entry.q05, entry.q50, entry.q95].map((end) => amount(end, "boosters").replace(/\.0$/, ""));
  if (low === high) return cell(middle, "for everyone", entry);
  return relief({ value: `median patient ${middle}`, aside: `(90${THIN}% of patients ${low} to ${high})`, more: [`mean ${amount(entry.mean, "boosters")}`], support: entry });
}

function hours(entry, drug) {
  if (!entry || !drug) return cell("none", "");
  return cell(`${number(entry.estimate)} h`, `(${spanned(...entry.interval.map((end) => number(end)))})`, entry);
}

function against(entry) {
  const one = entry.against;
  if (!one) return cell("–", "");
  if (one.same_regimen) return cell("0", "same regimen", one);
  const made = cell(change(one.mean, "NRS"), `(${spanned(...one.mean_interval.map((end) => change(end, "NRS")))})`, one);
  if (one.chance_better !== null) made.append(soft(`chance of being better ${chance(one.chance_better)}`));
  return made;
}

export function table(view) {
  const { arms, answer } = view;
  const heads = arms.map((one) => node("th", { scope: "col", className: `arm ${one.colour}` }, node("span", { className: "swatch" }), one.title));
  const line = (label, make) => {
    const cells = arms.map(make);
    const badges = cells.map((one) => one.querySelector(".badge")).filter(Boolean); // "none" carries no label
    const shared = badges.length > 0 && badges.every((one) => one.textContent === badges[0].textContent) ? badges[0] : null;
    if (shared) for (const one of badges) one.remove();
    return node("tr", {}, node("th", { scope: "row" }, label, shared), ...cells);
  };
  const drug = (one) => one.dash !== "placebo";
  const marks = landmarks(arms[0].arm, answer.last_supported_day);
  const made = [
    line("Pain before", () => cell(amount(answer.population.baseline_nrs.mean, "NRS"), "of 10")),
  ];
  for (const day of marks) {
    const key = `nrs_day_${day}`;
    const others = new Set(arms.map((one) => one.arm.endpoints[key].against?.arm).filter(Boolean));
    made.push(line(`Pain after ${when(day)}`, (one) => apart(endpoint(one.arm.endpoints[key]), one, key, view)));
    if (!others.size) continue;
    const beside = others.size === 1 ? title([...others][0]).toLowerCase() : "the plan it is compared with";
    made.push(line(`against ${beside}`, (one) => (one.arm.endpoints[key].against ? apart(against(one.arm.endpoints[key]), one, `against_${key}`, view) : cell("", ""))));
    made.at(-1).className = "sub";
  }
  made.push(
    ...arms[0].arm.relief.map((told, at) => line(told.label, (one) => apart(relief(one.arm.relief[at]), one, told.key, view))),
    line("Half of those in remission have pain back after", (one) => relapse(one.arm.endpoints.time_to_relapse_days)),
  );
  made.push(
    line("Boosters a year", (one) => boosters(one.arm.boosters_a_year)),
    line("Hours of infusion", (one) => cell(number(one.arm.harms.exposure.hours, 4), `on ${one.arm.harms.exposure.infusion_days} days`)),
    line(`Hours with dreamlike effects above ${percent(answer.noticeable_load)} of their scale`, (one) => hours(one.arm.harms.entries.psychedelic_hours, drug(one))),
    line("Drug in all", (one) => cell(drug(one) ? `${number(one.arm.endpoints.dose_mg.mean)} mg` : "none", drug(one) && one.arm.endpoints.dose_mg.q05 !== one.arm.endpoints.dose_mg.q95 ? `(90${THIN}% of patients ${number(one.arm.endpoints.dose_mg.q05)} to ${number(one.arm.endpoints.dose_mg.q95)})` : "")),
  );
  const place = document.getElementById("numbers");
  place.classList.toggle("many", arms.length > 3);
  place.tHead.replaceChildren(node("tr", {}, node("td", {}), ...heads));
  place.tBodies[0].replaceChildren(...made);
}

export function summary(view) {
  const told = view.arms.filter((one) => one.dash !== "placebo").map((one) => {
    const marks = landmarks(one.arm, view.answer.last_supported_day);
    const points = marks.map((day) => `${amount(one.arm.endpoints[`nrs_day_${day}`].mean, "NRS")} after ${when(day)}`);
    return `${one.title}: ${points.join(", ")}`;
  });
  const start = amount(view.answer.population.baseline_nrs.mean, "NRS");
  return `Average pain is ${start} of 10 before. ${told.join(". ")}.`;
}

/** The first screen: five questions about the plan in hand. */
export function short(view) {
  const one = view.arms.find((arm) => arm.name === view.focus);
  if (!one) return;
  document.getElementById("short-plan").textContent = `: ${one.title}`;
  document.getElementById("weighing").textContent = one.arm.weighing;
  for (const { id, text, more, apart: alone } of one.arm.short) {
    const parts = [more, alone].filter(Boolean).map((part) => node("span", { className: "line" }, `${part} `));
    (document.querySelector(`#s-${id} dd`) ?? document.getElementById(`s-${id}`)).replaceChildren(`${text} `, ...parts);
  }
}

export function answers(view) {
  const one = view.arms.find((arm) => arm.name === view.focus);
  if (!one) return;
  document.getElementById("asked-plan").textContent = one.title;
  for (const given of one.arm.answers) {
    const card = document.getElementById(`q-${given.id}`);
    const open = card.querySelector("details")?.open ?? false;
    const support = given.support.length ? node("p", { className: "supports" }, ...given.support.map((one) => badge(one))) : null;
    const more = node("details", { open }, node("summary", {}, "More, and who says so"), ...given.more.map((text) => node("p", {}, text)), sources(given.sources));
    card.replaceChildren(card.querySelector("h3"), node("p", { className: "short" }, given.short), ...[support, more].filter(Boolean));
  }
}

function sources(found) {
  if (!found.length) return null;
  return node("ul", { className: "sources" }, ...found.map((one) => {
    const cited = one.link ? node("a", { href: encodeURI(one.link), rel: "noreferrer noopener", target: "_blank" }, one.citation) : one.citation;
    return node("li", {}, cited, one.read ? node("span", { className: "soft" }, ` (${one.read})`) : null);
  }));
}

export function warnings(list) {
  const place = document.getElementById("warnings");
  place.hidden = list.length === 0;
  place.replaceChildren(...list.map((text) => node("li", {}, text)));
}

/** The same numbers as a table that other programs read. */
export function csv(view) {
  const head = ["plan", "quantity", "day", "mean", "mean_lo", "mean_hi", "q05", "q50", "q95", "against", "against_lo", "against_hi", "chance_better", "agree", "support"];
  const out = [head];
  const put = (plan, quantity, t, band, support = "") => t.forEach((day, i) => out.push([plan, quantity, day, ...["mean", "mean_lo", "mean_hi", "q05", "q50", "q95"].map((key) => band[key]?.[i] ?? ""), "", "", "", "", "", support]));
  const putEndpoint = (plan, quantity, name, entry) => {
    const day = /_day_(\d+)$/.exec(name)?.[1] ?? "", other = entry.against;
    if (entry.mean !== undefined) out.push([plan, quantity, day, entry.mean, ...(entry.mean_interval ?? ["", ""]), entry.q05 ?? "", entry.q50 ?? "", entry.q95 ?? "", other?.mean ?? "", ...(other?.mean_interval ?? ["", ""]), other?.chance_better ?? "", entry.agree ?? "", entry.support ?? ""]);
  };
  for (const one of view.arms) {
    const { whole, course, state, dose } = one.arm.lines;
    put(one.name, "pain_nrs", whole.t, whole.nrs);
    for (const model of Object.keys(one.arm.by_model)) put(one.name, `${model}_pain_nrs`, whole.t, whole[`${model}_nrs`]);
    put(one.name, state, whole.t, whole[state]);
    put(one.name, "nmda_block", course.t, course.nmda_block);
    for (const [name, band] of Object.entries(course.levels)) put(one.name, `${name}_ng_per_ml`, course.t, band);
    put(one.name, dose.end ? "dose_mg_average" : "dose_mg_at_mean_weight", dose.t, { mean: dose.mg });
    const year = one.arm.boosters_a_year;
    if (year) out.push([one.name, "boosters_a_year", "", year.mean, ...year.mean_interval, year.q05, year.q50, year.q95, "", "", "", "", "", year.support]);
    for (const [name, entry] of Object.entries(one.arm.endpoints)) putEndpoint(one.name, name, name, entry);
    for (const [model, { endpoints }] of Object.entries(one.arm.by_model)) for (const [name, entry] of Object.entries(endpoints)) putEndpoint(one.name, `${model}_${name}`, name, entry);
    for (const [name, entry] of Object.entries(one.arm.harms.entries)) out.push([one.name, name, "", entry.estimate ?? "", ...entry.interval, entry.q05 ?? "", "", entry.q95 ?? "", "", "", "", "", "", entry.support]);
  }
  return `${out.map((row) => row.map((value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : value)).join(",")).join("\n")}\n`;
}
