"use strict";
(() => {
  const charts = JSON.parse(document.getElementById("charts").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const shorten = (value) => {
    if (value === null || value === undefined) return "";
    const size = Math.abs(value);
    if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
    return value.toLocaleString("en", { maximumSignificantDigits: 5 });
  };
  const series = (spec, number) => {
    const stroke = colour(`series${(number % 4) + 1}`);
    const shown = { label: spec.names[number], stroke, width: 2, value: (_, each) => shorten(each), spanGaps: true };
    if (spec.style === "points" && number === 0) return { ...shown, paths: () => null, points: { show: true, size: 4, fill: stroke } };
    if (spec.style === "bars") return { ...shown, fill: `${stroke}66`, paths: uPlot.paths.bars({ size: [0.95, 100] }), points: { show: false } };
    return { ...shown, points: { show: spec.data[0].length < 40 } };
  };
  const axis = (label, size) => ({
    label, labelSize: label ? 22 : 0, size, stroke: colour("soft"), values: (_, marks) => marks.map(shorten),
    grid: { stroke: colour("rule"), width: 1 }, ticks: { stroke: colour("rule"), width: 1 }, font: "12px system-ui", labelFont: "12px system-ui",
  });
  const draw = (place) => {
    const [kind, number] = place.dataset.chart.split(":");
    const spec = charts[kind][Number(number)];
    place.textContent = "";
    const plot = new uPlot({
      width: place.clientWidth, height: 260,
      scales: { x: { time: false } },
      axes: [axis(spec.x, 40), axis("", 62)],
      series: [{ label: spec.x, value: (_, each) => shorten(each) }, ...spec.names.map((_, each) => series(spec, each))],
      cursor: { drag: { x: true, y: false } },
    }, spec.data, place);
    return plot;
  };
  const zoom = (plot, how) => {
    const all = plot.data[0];
    const first = all[0], last = all[all.length - 1];
    const { min, max } = plot.scales.x;
    const span = max - min, middle = (min + max) / 2;
    const ranges = {
      in: [middle - span / 4, middle + span / 4],
      out: [middle - span, middle + span],
      left: [min - span / 2, max - span / 2],
      right: [min + span / 2, max + span / 2],
      all: [first, last],
    };
    let [from, to] = ranges[how];
    const width = Math.min(to - from, last - first);
    from = Math.min(Math.max(from, first), last - width);
    plot.setScale("x", { min: from, max: from + width });
  };
  const plots = new Map();
  for (const place of document.querySelectorAll("[data-chart]")) {
    plots.set(place, draw(place));
    const tools = place.parentElement.querySelector(".tools");
    tools.hidden = false;
    tools.addEventListener("click", (event) => {
      const how = event.target.dataset.zoom;
      if (how) zoom(plots.get(place), how);
    });
  }
  dark.addEventListener("change", () => plots.forEach((plot, place) => { plot.destroy(); plots.set(place, draw(place)); }));
  addEventListener("resize", () => plots.forEach((plot, place) => plot.setSize({ width: place.clientWidth, height: 260 })));
})();
