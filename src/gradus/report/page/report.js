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
  // A lane above the plot for each finding: a line down where it began, along to the dots where it was said.
  const LANE = 15;
  const mark = (marks) => (plot) => {
    const { ctx, bbox } = plot, ratio = devicePixelRatio, size = LANE * ratio;
    const hues = { critical: colour("bad"), warning: colour("series2"), notice: colour("soft") };
    const at = (step) => plot.valToPos(step, "x", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left - size / 2, 0, bbox.width + 2 * size, bbox.top + bbox.height);
    ctx.clip();
    ctx.font = `${11 * ratio}px system-ui`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    marks.forEach(({ number, severity, since, said }, lane) => {
      const y = (lane + 0.5) * size;
      ctx.strokeStyle = ctx.fillStyle = hues[severity];
      ctx.lineWidth = ratio;
      ctx.setLineDash([4 * ratio, 3 * ratio]);
      ctx.beginPath();
      ctx.moveTo(at(since), y);
      ctx.lineTo(at(since), bbox.top + bbox.height);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.lineWidth = 2 * ratio;
      ctx.beginPath();
      ctx.moveTo(at(since), y);
      ctx.lineTo(at(said[said.length - 1]), y);
      ctx.stroke();
      for (const step of said) {
        ctx.beginPath();
        ctx.arc(at(step), y, 4 * ratio, 0, 2 * Math.PI);
        ctx.fill();
      }
      ctx.fillText(String(number), at(said[said.length - 1]) + 7 * ratio, y);
    });
    ctx.restore();
  };
  const height = (place) => 260 + LANE * (chosen(place).marks || []).length;
  const chosen = (place) => {
    const [kind, number] = place.dataset.chart.split(":");
    return charts[kind][Number(number)];
  };
  const draw = (place) => {
    const spec = chosen(place);
    place.textContent = "";
    const plot = new uPlot({
      width: place.clientWidth, height: height(place),
      ...(spec.marks && { padding: [LANE * spec.marks.length + 6, 24, null, null], hooks: { draw: [mark(spec.marks)] } }),
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
  addEventListener("resize", () => plots.forEach((plot, place) => plot.setSize({ width: place.clientWidth, height: height(place) })));

  // The cell under the pointer, or chosen by the arrow keys, is read out below its map.
  for (const map of document.querySelectorAll(".heat")) {
    const figure = map.closest("figure"), cells = map.querySelector(".cells"), cursor = map.querySelector(".cursor");
    const table = figure.querySelector(".heat-numbers"), readout = figure.querySelector(".readout");
    const [width, height, head] = map.dataset.cell.split(" ").map(Number);
    const rows = table.tBodies[0].rows.length, columns = table.rows[0].cells.length - 1;
    let row = 0, column = -1;
    readout.hidden = false;
    readout.textContent = "Point at a cell, or press an arrow key, to read its number.";
    const choose = (down, along) => {
      row = Math.min(Math.max(down, 0), rows - 1);
      column = Math.min(Math.max(along, 0), columns - 1);
      const line = table.tBodies[0].rows[row].cells;
      cursor.setAttribute("x", column * width);
      cursor.setAttribute("y", head + row * height);
      cursor.setAttribute("visibility", "visible");
      readout.textContent = `${line[0].textContent}, ${table.rows[0].cells[column + 1].textContent}: ${line[column + 1].textContent || "not measured"}`;
    };
    const point = (event) => {
      const box = cells.getBoundingClientRect();
      const down = Math.floor((event.clientY - box.top - head) / height), along = Math.floor((event.clientX - box.left) / width);
      if (down >= 0 && down < rows && along >= 0 && along < columns && (down !== row || along !== column)) choose(down, along);
    };
    cells.addEventListener("pointermove", point);
    cells.addEventListener("pointerdown", point);
    map.addEventListener("keydown", (event) => {
      const [down, along] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [0, 0];
      if (!down && !along) return;
      event.preventDefault();
      choose(column < 0 ? 0 : row + down, column < 0 ? 0 : column + along);
      cursor.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }
})();
