// Figures as SVG of our own: lines over time, and rows of intervals. A figure is drawn from a plain description.

const NS = "http://www.w3.org/2000/svg";

export function el(name, attributes = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function nice(top, ticks = 5) {
  const raw = top / ticks;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.999);
  return { step, top: Math.ceil(top / step - 1e-9) * step };
}

const DAY_STEPS = [1, 2, 7, 14, 28, 56, 91, 182, 364];
const HOUR_STEPS = [1, 2, 3, 6, 12, 24, 48, 72];

/** Time axis: days, or hours where it is short. Everything that comes in is in days. */
export function timeAxis(days, most) {
  const hours = days <= 14;
  const end = hours ? 24 * days : days;
  const steps = hours ? HOUR_STEPS : DAY_STEPS;
  const step = steps.find((s) => end / s <= most) ?? steps.at(-1);
  const each = hours ? 24 : 1;
  const ticks = [];
  for (let at = 0; at <= end + 1e-9; at += step) ticks.push({ at: at / each, text: String(at) });
  return { days, unit: hours ? "hours" : "days", ticks, say: (day) => (hours ? `Hour ${(24 * day).toFixed(0)}` : `Day ${day.toFixed(day < 10 ? 1 : 0)}`), label: `${hours ? "Hours" : "Days"} since the start` };
}

/** An axis with one place for each of a few days, evenly apart. */
export function dayAxis(days) {
  return { days: days.length, unit: "days", ticks: days.map((day, i) => ({ at: i + 0.5, text: String(day) })), say: (at) => `Day ${days[Math.max(0, Math.min(days.length - 1, Math.floor(at)))]}`, label: "Days since the start" };
}

function path(xs, ys) {
  let d = "";
  for (let i = 0; i < xs.length; i += 1) d += `${i ? "L" : "M"}${xs[i].toFixed(1)} ${ys[i].toFixed(1)}`;
  return d;
}

function area(xs, low, high) {
  let d = path(xs, high);
  for (let i = xs.length - 1; i >= 0; i -= 1) d += `L${xs[i].toFixed(1)} ${low[i].toFixed(1)}`;
  return `${d}Z`;
}

/**
 * Draw lines over time.
 *
 * spec: { axis, y: {top, label, tick}, series: [{name, colour, dash, t, mean, lo, hi, q05, q95, known, glyph, dots}],
 *         marks: [{colour, spans}], ends: whether names stand at the ends of lines, label }
 */
export function lines(place, spec) {
  const width = place.clientWidth, height = place.clientHeight;
  if (width < 60 || height < 60) return null;
  const ends = spec.ends && width > 560;
  const marks = spec.marks?.length ?? 0;
  const box = { left: 40, right: ends ? 132 : 12, top: 12, bottom: 40 + 7 * marks };
  const inner = { w: width - box.left - box.right, h: height - box.top - box.bottom };
  const y = spec.y.fixed ? { top: spec.y.top, step: spec.y.fixed } : nice(spec.y.top, height < 230 ? 4 : 5);
  const px = (day) => box.left + (inner.w * day) / spec.axis.days;
  const py = (value) => box.top + inner.h * (1 - Math.max(0, Math.min(value, y.top)) / y.top);
  const svg = el("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.label });
  drawAxes(svg, spec, box, inner, y, px, py, width, height);
  const bands = el("g"), ranges = el("g"), curves = el("g");
  for (const one of [...spec.series].reverse()) {
    const xs = one.t.map(px);
    const look = { class: `arm ${one.colour}` };
    if (one.lo && spec.bands !== false) bands.append(el("path", { ...look, class: `${look.class} band`, d: area(xs, one.lo.map(py), one.hi.map(py)) }));
    if (one.q05) {
      ranges.append(el("path", { ...look, class: `${look.class} range-fill`, d: area(xs, one.q05.map(py), one.q95.map(py)) }));
      ranges.append(el("path", { ...look, class: `${look.class} range`, d: path(xs, one.q05.map(py)) + path(xs, one.q95.map(py)) }));
    }
    const ys = one.mean.map(py);
    curves.append(el("path", { ...look, class: `${look.class} line ${one.dash ?? ""}`, d: path(xs, ys) }));
    if (one.whiskers) {
      one.t.forEach((day, i) => curves.append(el("path", { ...look, class: `${look.class} whisker`, d: `M${xs[i]} ${py(one.whiskers[0][i])}V${py(one.whiskers[1][i])}` })));
    }
    if (one.glyph) curves.append(...glyphs(one, look, px, py, spec.axis.days, inner.w));
    if (one.dots) xs.forEach((x, i) => curves.append(el("circle", { ...look, class: `${look.class} spot`, cx: x, cy: ys[i], r: 3.5 })));
  }
  svg.append(ranges, bands, curves);
  (spec.marks ?? []).forEach((mark, row) => {
    const at = box.top + inner.h + 5 + 7 * row;
    for (const [start, stop] of mark.spans) {
      if (start > spec.axis.days) continue;
      const from = px(start);
      svg.append(el("rect", { class: `arm ${mark.colour} course`, x: from, y: at, width: Math.max(1.5, px(Math.min(stop, spec.axis.days)) - from), height: 4, rx: 1 }));
    }
  });
  if (ends) nameEnds(svg, spec, px, py, box, inner);
  place.replaceChildren(svg);
  hover(place, svg, spec, { px, py, box, inner });
  return svg;
}

/** Marks along a thin line, so that two of one colour are told apart without it: at each point of a few, else here and there. */
function glyphs(one, look, px, py, days, width) {
  const count = Math.max(4, Math.round(width / 90)), shift = one.glyph === "memory" ? 0.3 : 0.75;
  const places = one.t.length <= 16 ? one.t.map((_, i) => i) : Array.from({ length: count }, (_, k) => nearest(one.t, (days * (k + shift)) / count));
  return places.map((i) => {
    const x = px(one.t[i]), y = py(one.mean[i]), style = `${look.class} glyph`;
    return one.glyph === "memory" ? el("path", { class: style, d: `M${x} ${y - 4.5}l4.5 7.5h-9z` }) : el("circle", { class: style, cx: x, cy: y, r: 3.6 });
  });
}

function drawAxes(svg, spec, box, inner, y, px, py, width, height) {
  const grid = el("g", { class: "axes" });
  for (let value = 0; value <= y.top * 1.0001; value += y.step) {
    const at = Math.round(py(value)) + 0.5;
    grid.append(el("path", { class: value ? "grid" : "base", d: `M${box.left} ${at}H${box.left + inner.w}` }));
    grid.append(el("text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, spec.y.tick(value)));
  }
  const foot = height - 20;
  for (const tick of spec.axis.ticks) {
    const x = px(tick.at);
    const anchor = x > box.left + inner.w - 12 && box.right < 20 ? "end" : "middle";
    grid.append(el("text", { x: anchor === "end" ? Math.min(x + 8, width) : x, y: foot, "text-anchor": anchor }, tick.text));
    grid.append(el("path", { class: "grid", d: `M${Math.round(x) + 0.5} ${box.top + inner.h}v4` }));
  }
  grid.append(el("text", { class: "name", x: box.left + inner.w / 2, y: height - 4, "text-anchor": "middle" }, spec.axis.label));
  svg.append(grid);
}

/** Names at the ends of lines, pushed apart where they would touch. */
function nameEnds(svg, spec, px, py, box, inner) {
  const named = spec.series.filter((one) => !one.unnamed).map((one) => ({ one, y: py(one.mean.at(-1)) }));
  named.sort((a, b) => a.y - b.y);
  const least = 15;
  for (let i = 1; i < named.length; i += 1) named[i].y = Math.max(named[i].y, named[i - 1].y + least);
  const over = named.length ? named.at(-1).y - (box.top + inner.h) : 0;
  if (over > 0) for (const [i, item] of [...named].reverse().entries()) item.y = Math.min(item.y, box.top + inner.h - least * i);
  for (const { one, y } of named) {
    const text = el("text", { class: `arm ${one.colour} end ${one.dash ?? ""}`, x: box.left + inner.w + 8, y: y + 4 }, one.name.length > 17 ? `${one.name.slice(0, 16)}…` : one.name);
    svg.append(text);
  }
}

function nearest(times, day) {
  let low = 0, high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] < day) low = middle;
    else high = middle;
  }
  return day - times[low] < times[high] - day ? low : high;
}

/** A line that follows the pointer, or the arrow keys, and says the numbers there. */
function hover(place, svg, spec, { px, box, inner }) {
  const rule = el("path", { class: "rule", d: `M0 ${box.top}v${inner.h}`, visibility: "hidden" });
  svg.append(rule);
  const tip = document.getElementById("tip");
  const hide = () => {
    rule.setAttribute("visibility", "hidden");
    tip.hidden = true;
  };
  const show = (day) => {
    const x = px(day);
    rule.setAttribute("transform", `translate(${x} 0)`);
    rule.setAttribute("visibility", "visible");
    const head = document.createElement("b");
    head.textContent = spec.axis.say(day);
    const rows = spec.series.filter((one) => !one.silent).map((one) => {
      const i = nearest(one.t, day);
      const row = document.createElement("span");
      row.className = `arm ${one.colour}`;
      const [low, high] = one.whiskers ?? one.known ?? [one.lo, one.hi];
      const more = low ? ` (${spec.y.say(low[i])} to ${spec.y.say(high[i])})` : "";
      row.textContent = `${one.name} ${spec.y.say(one.mean[i])}${more}`;
      return row;
    });
    tip.replaceChildren(head, ...rows);
    tip.hidden = false;
    const frame = place.getBoundingClientRect();
    const left = frame.left + x + 12 + tip.offsetWidth > window.innerWidth ? frame.left + x - tip.offsetWidth - 12 : frame.left + x + 12;
    tip.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, frame.top + box.top)}px)`;
  };
  svg.addEventListener("pointermove", (event) => {
    const x = event.clientX - svg.getBoundingClientRect().left;
    if (x < box.left - 4 || x > box.left + inner.w + 4) return hide();
    return show(Math.max(0, Math.min(1, (x - box.left) / inner.w)) * spec.axis.days);
  });
  svg.addEventListener("pointerleave", hide);
}

const ROW = { pitch: 13, head: 19, gap: 8, foot: 34 };

function topsOf(spec) {
  const tops = [4];
  for (const row of spec.rows) tops.push(tops.at(-1) + ROW.head + row.values.length * ROW.pitch + ROW.gap);
  return tops;
}

/** How high rows of intervals will be, known before they are drawn. */
export function rowsHeight(spec) {
  return topsOf(spec).at(-1) + ROW.foot;
}

/**
 * Draw rows of intervals.
 *
 * spec: { rows: [{label, note, values: [{colour, estimate, low, high, q05, q95, unknown, words, say}]}], x: {top, tick, label}, label }
 * A value has an interval of its mean (thick), a range of patients (thin, with ends), or only words.
 */
export function rows(place, spec) {
  const width = place.clientWidth;
  if (width < 60) return null;
  const { pitch, head } = ROW;
  const least = spec.x.low ?? 0;
  const tops = topsOf(spec);
  const height = rowsHeight(spec);
  const box = { left: 4, right: 14 };
  const inner = width - box.left - box.right;
  const px = (value) => box.left + (inner * (Math.max(least, Math.min(value, spec.x.top)) - least)) / (spec.x.top - least);
  const svg = el("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": spec.label });
  const grid = el("g", { class: "axes" });
  const step = spec.x.step ?? nice(spec.x.top, 5).step;
  for (let value = least; !spec.x.bare && value <= spec.x.top * 1.0001; value += step) {
    const x = Math.round(px(value)) + 0.5;
    grid.append(el("path", { class: value === 0 && least ? "base" : "grid", d: `M${x} 4V${height - 32}` }));
    grid.append(el("text", { x: value === least ? x - 3 : x, y: height - 18, "text-anchor": value === least ? "start" : x > width - 24 ? "end" : "middle" }, spec.x.tick(value)));
  }
  if (!spec.x.bare) grid.append(el("text", { class: "name", x: box.left + inner / 2, y: height - 3, "text-anchor": "middle" }, spec.x.label));
  svg.append(grid);
  spec.rows.forEach((row, r) => {
    const top = tops[r];
    const name = el("text", { class: "row", x: box.left, y: top + 13 }, row.label);
    if (row.note) name.append(el("tspan", { class: "soft", dx: 6 }, row.note));
    svg.append(name);
    row.values.forEach((value, v) => {
      const y = top + head + v * pitch + pitch / 2;
      const look = `arm ${value.colour}`;
      if (value.words) {
        svg.append(el("text", { class: `${look} said`, x: px(least) + 4, y: y + 4 }, value.words));
        return;
      }
      if (value.unknown) {
        svg.append(el("path", { class: `${look} unknown`, d: `M${px(least)} ${y}H${px(spec.x.top)}` }));
        return;
      }
      const ends = [Math.min(value.low, value.q05 ?? value.low), Math.max(value.high, value.q95 ?? value.high)].map(px);
      const long = 8 + 5.6 * value.say.length;
      const after = width - ends[1] > long, over = !after && ends[0] < long;
      const said = el("text", { class: `${look} said${over ? " over" : ""}`, x: after ? ends[1] + 8 : over ? width - 2 : ends[0] - 8, y: y + 4, "text-anchor": after ? "start" : "end" }, value.say);
      if (value.q05 !== undefined) {
        const [from, to] = [px(value.q05), px(value.q95)];
        svg.append(el("path", { class: `${look} spread`, d: `M${from} ${y}H${to}` }), el("path", { class: `${look} spread ends`, d: `M${from} ${y - 4}v8M${to} ${y - 4}v8` }));
      }
      svg.append(el("path", { class: `${look} interval`, d: `M${px(value.low)} ${y}H${Math.max(px(value.high), px(value.low) + 1.5)}` }));
      if (value.estimate !== null && value.estimate !== undefined) svg.append(el("circle", { class: `${look} spot`, cx: px(value.estimate), cy: y, r: 4 }));
      svg.append(said);
    });
  });
  place.replaceChildren(svg);
  return svg;
}

// --- pictures to keep ---

const KEPT = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-opacity", "stroke-linecap", "stroke-linejoin", "font-size", "font-weight", "opacity", "paint-order"];

/** A copy of a figure that needs no style sheet. */
export function standalone(svg, heading) {
  const { width, height } = svg.viewBox.baseVal;
  const copy = svg.cloneNode(true);
  const originals = svg.querySelectorAll("*"), copies = copy.querySelectorAll("*");
  originals.forEach((node, i) => {
    const style = getComputedStyle(node);
    for (const name of KEPT) {
      const value = style.getPropertyValue(name);
      if (value && value !== "none" && value !== "normal") copies[i].setAttribute(name, value);
      else if (value === "none") copies[i].setAttribute(name, "none");
    }
  });
  const page = getComputedStyle(document.body);
  const card = getComputedStyle(document.documentElement).getPropertyValue("--card").trim();
  const top = 30;
  const made = el("svg", { xmlns: NS, width, height: height + top, viewBox: `0 ${-top} ${width} ${height + top}`, "font-family": page.fontFamily });
  made.append(el("rect", { x: 0, y: -top, width, height: height + top, fill: card }));
  made.append(el("text", { x: 8, y: -10, "font-size": 14, "font-weight": 600, fill: page.color }, heading));
  made.append(...copy.childNodes);
  return made;
}

export function svgBlob(svg, heading) {
  return new Blob([new XMLSerializer().serializeToString(standalone(svg, heading))], { type: "image/svg+xml" });
}

export async function pngBlob(svg, heading, scale = 2) {
  const address = URL.createObjectURL(svgBlob(svg, heading));
  try {
    const picture = new Image();
    picture.src = address;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.width * scale;
    canvas.height = picture.height * scale;
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return await new Promise((done) => canvas.toBlob(done, "image/png"));
  } finally {
    URL.revokeObjectURL(address);
  }
}
