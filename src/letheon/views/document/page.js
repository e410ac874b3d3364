// Draws the figures that lie in the page as JSON, and makes their buttons work. Nothing is fetched.
(() => {
  "use strict";
  const { axes, figures } = JSON.parse(document.getElementById("figures-data").textContent);
  const config = { displayModeBar: false, responsive: true, displaylogo: false, showTips: false, scrollZoom: false };
  // A finger that scrolls the page must not zoom a figure.
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const places = [...document.querySelectorAll(".chart")];
  const drawn = new Set();

  for (const figure of figures) {
    for (const trace of figure.data) if (typeof trace.x === "string") trace.x = axes[Number(trace.x)];
    figure.layout.dragmode = coarse ? false : "zoom";
    figure.layout.hoverlabel = { bgcolor: "#ffffff", bordercolor: "#9aa1aa", font: { color: "#1b1f24", size: 12 }, namelength: -1 };
  }

  // A box of its own size lets print scale the drawing, whatever the width on screen was.
  const frame = (place) => {
    for (const svg of place.querySelectorAll("svg.main-svg")) {
      svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    }
  };

  const draw = (place) => {
    if (drawn.has(place)) return;
    drawn.add(place);
    const figure = figures[Number(place.dataset.figure)];
    const x = figure.layout.xaxis;
    // Few tick labels fit on a phone.
    if (x.dtick && place.clientWidth < 520 && x.range[1] / x.dtick > 8) x.dtick *= 2;
    Plotly.newPlot(place, figure.data, figure.layout, config);
    place.on("plotly_afterplot", () => frame(place));
    frame(place);
    place.classList.add("drawn");
  };
  const drawAll = () => places.forEach(draw);

  // Figures in sight come first; the rest follow one by one, so that the page stays quick.
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { seen.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "300px" });
  places.forEach((place) => seen.observe(place));
  const queue = [...places];
  const next = () => { const place = queue.shift(); if (place) { draw(place); window.setTimeout(next, 30); } };
  window.setTimeout(next, 200);

  const press = (button, group) => {
    for (const other of group.querySelectorAll("button")) other.setAttribute("aria-pressed", String(other === button));
  };
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const actions = {
    window(button, plots) {
      press(button, button.parentElement);
      const change = JSON.parse(button.dataset.change);
      plots.forEach((plot) => Plotly.relayout(plot, change));
    },
    scale(button, plots) {
      press(button, button.parentElement);
      const type = button.dataset.scale;
      for (const plot of plots) {
        const ticks = type === "log" ? { "yaxis.tickmode": "linear", "yaxis.dtick": 1 } : { "yaxis.tickmode": "auto" };
        Plotly.relayout(plot, { "yaxis.type": type, "yaxis.range": plot.layout.meta[type], ...ticks });
      }
    },
    // A chip stands for one arm, or for one drug or metabolite, or for the range of patients.
    curve(button, plots) {
      button.setAttribute("aria-pressed", String(!pressed(button)));
      plots.forEach((plot) => show(button.closest("figure"), plot));
    },
    interval(button, plots) {
      press(button, button.parentElement);
      plots.forEach((plot) => show(button.closest("figure"), plot));
    },
  };
  const show = (figure, plot) => {
    const parts = new Set(["mean", "course"]);
    for (const on of figure.querySelectorAll('[data-part][aria-pressed="true"]')) parts.add(on.dataset.part);
    const curves = [...figure.querySelectorAll("[data-curve]")].map(pressed);
    const visible = plot.data.map((trace) => curves[trace.meta.curve] && parts.has(trace.meta.part));
    Plotly.restyle(plot, { visible });
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (!button) return;
    const plots = [...button.closest("figure").querySelectorAll(".chart")];
    plots.forEach(draw);
    actions[button.dataset.do](button, plots);
  });

  // Paper has a width of its own: figures are drawn anew for it, and again for the screen afterwards.
  const paper = { tall: [680, 330], middle: [680, 270], low: [330, 215] };
  const kind = (place) => Object.keys(paper).find((size) => place.classList.contains(size));
  // A figure of rows keeps its height; two of them side by side share the width.
  const sheet = (place) => paper[kind(place)] ?? [place.closest(".panels") ? 330 : 680, Number(place.dataset.height)];
  // What is small has small type: two side by side, and three.
  const isThird = (place) => place.closest(".panels:not(.wide)") !== null;
  const type = (size) => ({ "font.size": size ?? 12, "xaxis.title.font.size": size, "yaxis.title.font.size": size });
  const third = { width: 222, height: 190, "margin.l": 40, "margin.r": 8, "margin.b": 38, ...type(9.5) };
  const small = (place) => {
    if (kind(place) !== "low") return {};
    if (!isThird(place)) return { "margin.b": 42, ...type(11) };
    const { dtick, range } = place.layout.xaxis;
    return { ...third, ...(dtick && range[1] / dtick > 7 ? { "xaxis.dtick": 2 * dtick } : {}) };
  };
  const folded = document.querySelectorAll("details:not(.screen, [open])");
  let printing = false;
  const toPaper = () => {
    if (printing) return;
    printing = true;
    drawAll();
    for (const details of folded) details.open = true;
    for (const place of places) {
      const [width, height] = sheet(place);
      place.onScreen = { margin: { ...place.layout.margin }, "xaxis.dtick": place.layout.xaxis.dtick, ...type(null) };
      Plotly.relayout(place, { width, height, autosize: false, ...small(place) });
    }
  };
  const toScreen = () => {
    if (!printing) return;
    printing = false;
    for (const details of folded) details.open = false;
    for (const place of places) {
      const back = kind(place) === "low" ? place.onScreen : {};
      Plotly.relayout(place, { width: null, height: null, autosize: true, ...back });
    }
  };
  window.addEventListener("beforeprint", toPaper);
  window.addEventListener("afterprint", toScreen);
})();
