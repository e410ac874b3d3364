// How numbers and names are said: at most three digits, units beside them, and nothing finer than is known.

export const THIN = "\u202f";
const MINUS = "\u2212";

function signed(text) {
  return /[1-9]/.test(text) ? text.replace("-", MINUS) : text.replace("-", "");
}

function fixed(value, places) {
  return signed(value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places }));
}

/** A number with three significant digits at most, and never fewer whole ones. */
export function number(value, digits = 3) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const short = Number(value.toPrecision(digits));
  const places = Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(short))));
  const text = fixed(short, Math.min(places, 6));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

export function percent(share) {
  if (share === null || share === undefined) return "–";
  const value = 100 * share;
  if (value > 0 && value < 0.05) return `under 0.1${THIN}%`;
  const edge = (Math.abs(value) >= 0.05 && Math.abs(value) < 0.95) || (value >= 99.05 && value < 99.95);
  return `${fixed(value, edge ? 1 : 0)}${THIN}%`;
}

/** A chance, which is never certain. */
export function chance(share) {
  return share > 0.99 ? `> ${percent(0.99)}` : share < 0.01 ? `< ${percent(0.01)}` : percent(Number(share.toFixed(2)));
}

/** A value as its unit asks for it. */
export function amount(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "share") return percent(value);
  if (unit === "NRS") return fixed(value, 1);
  if (unit === "%") return `${fixed(value, 0)}${THIN}%`;
  if (unit === "days" || unit === "sessions" || unit === "boosters") return fixed(value, Math.abs(value) >= 0.05 && Math.abs(value) < 9.95 ? 1 : 0);
  return number(value);
}

export function between(ends, unit) {
  if (!ends || ends.every((end) => end === null)) return "";
  const suffix = unit === "share" || unit === "%" ? `${THIN}%` : "";
  const [low, high] = ends.map((end) => (end === null ? "?" : amount(end, unit).replace(suffix, "")));
  return spanned(low, high, unit === "share" ? 0.1 : null) + suffix;
}

/** Both ends of an interval as they are written; where they read alike, what they are sure to within. */
export function spanned(low, high, zeroStep = null) {
  const match = /^\s*[+\-\u2212]?\d[\d,]*(?:\.(\d+))?\s*$/.exec(low);
  if (low !== high || !match) return low === high ? low : `${low} to ${high}`;
  const step = `${10 ** -(match[1] ?? "").length}`;
  return /[1-9]/.test(low) ? `${low} ±≤${step}` : `≤${zeroStep ?? step}`;
}

export function change(value, unit) {
  const text = amount(value, unit);
  return text.startsWith(MINUS) || !/[1-9]/.test(text) ? text : `+${text}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`;
}

/** A length of time as people say it. */
export function span(days) {
  if (days >= 14 && days % 7 === 0) return `${days / 7} weeks`;
  return plural(Number(days.toFixed(1)), "day");
}

export function hours(value) {
  if (value < 1) return `${number(60 * value)} min`;
  return `${number(value, 4)} h`;
}

/** An arm's name for reading: underscores become spaces. */
export function title(name) {
  const text = name.replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A name that a scenario file accepts. */
export function slug(text, taken = []) {
  let base = text.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "_").replace(/^[^a-z]+|_+$/g, "").slice(0, 36) || "plan";
  if (base === "placebo") base = "plan";
  let name = base;
  for (let n = 2; taken.includes(name); n += 1) name = `${base}_${n}`;
  return name;
}
