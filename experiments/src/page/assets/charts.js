"use strict";
// Charts in uPlot, and the five panels of every problem.
(() => {
  const HEIGHT = 250;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = () => color("--text");
  const finite = (value) => value !== null && value !== undefined;

  /** A number with four digits. */
  const number = (value) => {
    if (!finite(value)) return "not finite";
    const size = Math.abs(value);
    if (value === 0) return "0";
    return size >= 1e-3 && size < 1e5 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
  };

  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  /** A piece of the line that a curve is drawn with. */
  const key = ({ color: stroke, dashes = [], width = 2, marker }) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const attributes = { class: "key", width: 28, height: 12, "aria-hidden": true };
    Object.entries(attributes).forEach(([name, value]) => svg.setAttribute(name, value));
    const shape = document.createElementNS(svg.namespaceURI, marker ? "circle" : "line");
    const places = marker ? { cx: 14, cy: 6, r: 4 } : { x1: 0, x2: 28, y1: 6, y2: 6 };
    const look = { stroke: stroke ?? "currentColor", "stroke-width": width, "stroke-dasharray": dashes.join(" ") };
    look.fill = marker === "filled" ? (stroke ?? "currentColor") : "none";
    Object.entries({ ...places, ...look }).forEach(([name, value]) => shape.setAttribute(name, value));
    svg.append(shape);
    return svg;
  };

  /** The place of the entry of a sorted list that is nearest to a value. */
  const nearest = (sorted, value) => {
    let [low, high] = [0, sorted.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle] < value) low = middle + 1;
      else high = middle;
    }
    return low > 0 && value - sorted[low - 1] < sorted[low] - value ? low - 1 : low;
  };

  /** The range of an axis. A curve that climbs to over a thousand times the median of the others' highest values leaves
   *  at the top, unless the axis is to show all. */
  const range = (spec, state, u, low, high) => {
    if (!finite(low) || !finite(high)) return state.isLog ? [0.1, 10] : [0, 1];
    if (spec.range) return spec.range;
    if (state.isLog && spec.isCapped) {
      const tops = [];
      for (let index = 1; index < u.series.length; index++) {
        if (!u.series[index].show) continue;
        const [first, last] = [u.scales.x.min, u.scales.x.max];
        let top = null;
        u.data[index].forEach((value, place) => {
          const x = u.data[0][place];
          if (finite(value) && x >= first && x <= last) top = Math.max(top ?? value, value);
        });
        if (top !== null) tops.push(top);
      }
      tops.sort((a, b) => a - b);
      if (tops.length) high = Math.max(low, Math.min(high, 1e3 * tops[(tops.length - 1) >> 1]));
    }
    if (state.isWhole) {
      for (const { value } of spec.lines ?? []) [low, high] = [Math.min(low, value), Math.max(high, value)];
      if (finite(spec.least)) low = Math.max(low, spec.least);
    }
    if (!state.isLog) {
      const room = Math.max(0.06 * (high - low), 1e-12 + 0.01 * Math.abs(high));
      return [low - room, high + room];
    }
    const room = Math.max(0.06 * Math.log10(high / low), 0.05);
    return [low / 10 ** room, high * 10 ** room];
  };

  /** Whether a value is 1, 2 or 5 times a power of ten: the ends of a logarithmic axis are not. */
  const isRound = (value) => value > 0 && ["1", "2", "5"].includes(String(Number(value.toExponential(5).split("e")[0])));

  const tick = (value) => {
    if (value === null) return "";
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential().replace("e+", "e") : String(Number(value.toPrecision(6)));
  };

  /** Lines with their names, marks of what has no place, and the names of edges, over the curves. */
  const annotate = (spec, state, u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${12 * ratio}px system-ui, "DejaVu Sans", sans-serif`;
    ctx.lineWidth = ratio;
    const name = (label, x, y, align) => {
      ctx.textAlign = align;
      ctx.textBaseline = "bottom";
      ctx.lineWidth = 3 * ratio;
      ctx.strokeStyle = color("--back");
      ctx.setLineDash([]);
      ctx.strokeText(label, x, y);
      ctx.fillText(label, x, y);
    };
    const rule = (from, to) => {
      ctx.lineWidth = ratio;
      ctx.strokeStyle = color("--faint");
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(...from);
      ctx.lineTo(...to);
      ctx.stroke();
    };
    const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
    ctx.fillStyle = text();
    for (const { value, label } of spec.lines ?? []) {
      const y = u.valToPos(value, "y", true);
      rule([bbox.left, y], [right, y]);
      name(label, bbox.left + 6 * ratio, y - 2 * ratio, "left");
    }
    for (const { value, label } of spec.verticals ?? []) {
      const x = u.valToPos(value, "x", true);
      rule([x, bbox.top], [x, bottom]);
      name(label, x + 4 * ratio, bbox.top + 14 * ratio, "left");
    }
    ctx.setLineDash([]);
    ctx.lineWidth = 1.5 * ratio;
    ctx.strokeStyle = text();
    for (const value of spec.ticks ?? []) {
      const x = u.valToPos(value, "x", true);
      ctx.beginPath();
      ctx.moveTo(x, bottom);
      ctx.lineTo(x, bottom - 10 * ratio);
      ctx.stroke();
    }
    spec.series.forEach((series, index) => {
      if (!u.series[index + 1].show) return;
      ctx.fillStyle = series.color ?? text();
      if (series.isNamed) {
        const last = series.y.findLastIndex((value, place) => finite(value) && series.x[place] <= u.scales.x.max);
        if (last >= 0) {
          ctx.fillStyle = text();
          name(series.label, right - 6 * ratio, u.valToPos(series.y[last], "y", true) - 3 * ratio, "right");
        }
        return;
      }
      if (series.isQuiet) return;
      series.y.forEach((value, place) => {
        if (finite(value) && !(state.isLog && value <= 0)) return;
        const [x, up] = [u.valToPos(series.x[place], "x", true), !finite(value)];
        const [tip, foot] = up ? [bbox.top, bbox.top + 8 * ratio] : [bottom, bottom - 8 * ratio];
        ctx.beginPath();
        ctx.moveTo(x, tip);
        ctx.lineTo(x - 4 * ratio, foot);
        ctx.lineTo(x + 4 * ratio, foot);
        ctx.fill();
      });
    });
    ctx.restore();
  };

  /** What the chart says to those who cannot see it. */
  const describe = (spec, isLog) => {
    const curves = spec.series.filter((series) => series.label && !series.isQuiet && series.y.some(finite));
    const parts = curves.map(({ label, y }) => {
      const values = y.filter(finite);
      const least = values.reduce((a, b) => Math.min(a, b));
      const most = values.reduce((a, b) => Math.max(a, b));
      return `${label}: from ${number(values[0])} to ${number(values.at(-1))}, least ${number(least)}, largest ${number(most)}`;
    });
    const lines = (spec.lines ?? []).map(({ label, value }) => `line ${label} at ${number(value)}`);
    const axis = isLog ? "logarithmic" : "linear";
    return `${spec.title} by ${spec.unit}, ${axis}. ${[...parts, ...lines].join(". ")}.`;
  };

  /** Builds a figure with a chart. Charts of a group share zoom, cursor and which methods are shown. */
  const chart = (parent, spec, group) => {
    const state = { isLog: group.kept.scales.get(spec.title) ?? spec.isLog ?? true, isWhole: true, u: null };
    const scale = element("button", { type: "button", title: "logarithmic or linear (L)" });
    const reset = element("button", { type: "button", textContent: "show all", title: "undo the zoom (0)" });
    const tools = element("span", { className: "tools" }, scale, reset);
    const caption = element("figcaption", {}, element("span", { textContent: spec.title }), tools);
    const holder = element("div", { className: "chart", tabIndex: 0 });
    const values = element("div", { className: "values" });
    const figure = element("figure", { className: spec.isWide ? "wide" : "" }, caption);
    if (spec.legend) figure.append(spec.legend);
    figure.append(holder, values);
    parent.append(figure);
    holder.setAttribute("role", "img");
    if (spec.isFixed) scale.remove();
    if (!spec.series.some((series) => series.y.some(finite))) {
      holder.append(element("p", { className: "settings", textContent: "nothing was measured" }));
      tools.remove();
      holder.removeAttribute("tabindex");
      holder.setAttribute("aria-label", `${spec.title}: nothing was measured`);
      return;
    }
    const isShown = (series) => !series.method || !group.kept.hidden.has(series.method);
    const whole = () => {
      const all = group.charts.flatMap((other) => [other.u.data[0][0], other.u.data[0].at(-1)]);
      return spec.isXLog ? [all[0], all[1]] : [Math.min(...all), Math.max(...all)];
    };

    const show = (x) => {
      const entries = spec.series.filter((series) => series.label && !series.isQuiet && isShown(series) && series.x.length);
      const spans = entries.map((series) => {
        const place = x === null ? series.x.length - 1 : nearest(series.x, x);
        return element("span", {}, key(series), ` ${series.label} ${number(series.y[place])}`);
      });
      const at = x === null ? "last:" : `${spec.unit} ${number(x)}:`;
      values.replaceChildren(element("span", { className: "at", textContent: at }), ...spans);
    };

    const build = () => {
      state.u?.destroy();
      const seen = (value) => (finite(value) && !(state.isLog && value <= 0) ? value : null);
      const tables = spec.series.map((series) => [series.x, series.y.map(seen)]);
      const data = tables.length > 1 ? uPlot.join(tables) : tables[0];
      const axis = {
        stroke: text,
        font: '12px system-ui, "DejaVu Sans", sans-serif',
        grid: { stroke: () => color("--line"), width: 1 },
        ticks: { stroke: () => color("--line"), width: 1 },
      };
      const options = {
        width: Math.max(holder.clientWidth, 200),
        height: spec.height ?? HEIGHT,
        legend: { show: false },
        padding: [10, 12, 0, 0],
        cursor: {
          drag: { x: true, y: false },
          dataIdx: (u, series, index, x) => {
            if (series === 0) return index;
            const { x: places, y } = spec.series[series - 1];
            const place = nearest(places, x);
            return finite(y[place]) ? u.data[0].indexOf(places[place]) : null;
          },
          points: { show: spec.hasPoints !== true },
        },
        scales: {
          x: { time: false, distr: spec.isXLog ? 3 : 1 },
          y: { distr: state.isLog ? 3 : 1, range: (u, low, high) => range(spec, state, u, low, high) },
        },
        axes: [
          { ...axis, label: spec.unit, labelSize: 18, labelFont: axis.font, size: 34, values: (_, splits) => splits.map(tick) },
          { ...axis, size: 62, values: (_, splits) => splits.map((value) => (state.isLog && !isRound(value) ? "" : tick(value))) },
        ],
        series: [
          {},
          ...spec.series.map((series) => ({
            label: series.label,
            stroke: () => series.color ?? text(),
            width: series.marker ? 0 : (series.width ?? 2),
            dash: series.dashes,
            show: isShown(series),
            paths: series.marker ? () => null : undefined,
            points: series.marker
              ? {
                  show: true,
                  size: 6,
                  width: 1.2,
                  stroke: () => series.color ?? text(),
                  fill: () => (series.marker === "filled" ? (series.color ?? text()) : color("--back")),
                }
              : series.isQuiet || series.isNamed || series.width === 0
                ? { show: false }
                : {},
          })),
        ],
        bands: (spec.bands ?? []).map(([high, low]) => ({
          series: [high + 1, low + 1],
          fill: () => `color-mix(in srgb, ${spec.series[high].color ?? text()} 20%, transparent)`,
        })),
        hooks: {
          draw: [(u) => annotate(spec, state, u)],
          setCursor: [(u) => group.point(u, u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null)],
          setSelect: [(u) => {
            const { left, width } = u.select;
            if (width > 4) group.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
            u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          }],
        },
      };
      // Zoom goes through the group.
      options.cursor.drag.setScale = false;
      options.cursor.bind = { dblclick: () => () => group.reset() };
      state.u = new uPlot(options, data, holder);
      holder.querySelectorAll("canvas").forEach((canvas) => canvas.setAttribute("aria-hidden", "true"));
      // For scripts and tests.
      holder.uplot = state.u;
      scale.textContent = state.isLog ? "linear" : "logarithmic";
      holder.setAttribute("aria-label", describe(spec, state.isLog));
      show(null);
    };

    const self = {
      get u() {
        return state.u;
      },
      show,
      setRange: (low, high, isWhole) => {
        state.isWhole = isWhole;
        state.u.setScale("x", { min: low, max: high });
      },
      apply: () => {
        state.u.batch(() =>
          spec.series.forEach((series, index) => {
            if (state.u.series[index + 1].show !== isShown(series)) state.u.setSeries(index + 1, { show: isShown(series) });
          }),
        );
        show(null);
      },
    };
    scale.addEventListener("click", () => {
      state.isLog = !state.isLog;
      group.kept.scales.set(spec.title, state.isLog);
      build();
      if (group.kept.range) self.setRange(...group.kept.range, false);
    });
    reset.addEventListener("click", () => group.reset());
    holder.addEventListener("focus", () => values.setAttribute("aria-live", "polite"));
    holder.addEventListener("blur", () => values.removeAttribute("aria-live"));
    holder.addEventListener("keydown", (event) => {
      const { min, max } = state.u.scales.x;
      const [toPlace, toValue] = spec.isXLog ? [Math.log10, (place) => 10 ** place] : [Number, Number];
      const [low, high] = [toPlace(min), toPlace(max)];
      const at = group.kept.at === null ? (low + high) / 2 : toPlace(group.kept.at);
      const clamp = (place) => Math.min(Math.max(place, low), high);
      const around = (factor) => group.zoom(toValue(at - (at - low) * factor), toValue(at + (high - at) * factor));
      const actions = {
        ArrowLeft: () => group.point(null, toValue(clamp(at - (high - low) / 100))),
        ArrowRight: () => group.point(null, toValue(clamp(at + (high - low) / 100))),
        "+": () => around(0.5),
        "=": () => around(0.5),
        "-": () => around(2),
        0: () => group.reset(),
        l: () => spec.isFixed || scale.click(),
      };
      const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key.length > 1 ? event.key : event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action();
    });
    build();
    group.charts.push(self);
    self.whole = whole;
    const observer = new ResizeObserver(() => {
      const width = holder.clientWidth;
      if (width > 0 && Math.abs(width - state.u.width) > 1) state.u.setSize({ width, height: state.u.height });
    });
    observer.observe(holder);
    self.destroy = () => {
      observer.disconnect();
      state.u.destroy();
    };
  };

  /** What charts share. A group of a name that was there before shows what the reader had chosen. */
  const newGroup = (name) => {
    const kept = flatland.kept.get(name) ?? { hidden: new Set(), range: null, at: null, scales: new Map() };
    flatland.kept.set(name, kept);
    const group = {
      kept,
      charts: [],
      isBusy: false,
      point: (source, x) => {
        if (group.isBusy) return;
        group.isBusy = true;
        kept.at = x;
        for (const chart of group.charts) {
          const { u } = chart;
          if (u !== source) u.setCursor(x === null ? { left: -10, top: -10 } : { left: u.valToPos(x, "x"), top: 0 }, false);
          chart.show(x);
        }
        group.isBusy = false;
      },
      zoom: (low, high) => {
        const [first, last] = group.charts[0].whole();
        [low, high] = [Math.max(low, first), Math.min(high, last)];
        if (!(high > low)) return;
        if (low === first && high === last) return group.reset();
        kept.range = [low, high];
        group.charts.forEach((chart) => chart.setRange(low, high, false));
      },
      reset: () => {
        kept.range = null;
        if (group.charts.length) group.charts.forEach((chart) => chart.setRange(...group.charts[0].whole(), true));
      },
      /** Shows what was chosen, once all charts are there. */
      restore: () => {
        if (!group.charts.length) return;
        const { range, at } = kept;
        if (range) group.zoom(...range);
        else group.reset();
        // Only then has uPlot taken over the range.
        if (at !== null) queueMicrotask(() => group.point(null, at));
      },
      toggle: (method, isShown) => {
        if (isShown) kept.hidden.delete(method);
        else kept.hidden.add(method);
        group.charts.forEach((chart) => chart.apply());
      },
    };
    flatland.allGroups.push(group);
    return group;
  };

  /** The five panels of a problem. */
  const panels = (section, problem, group) => {
    const series = (curve) =>
      problem.runs.map(({ method, label, color, dashes, [curve]: { x, y } }) => ({ method, label, color, dashes, x, y }));
    const sharpness = series("sharpness");
    const bands = [];
    for (const { method, label, color, dashes, range, edge } of problem.runs) {
      if (range) {
        bands.push([sharpness.length + 1, sharpness.length]);
        for (const { x, y } of range) sharpness.push({ method, label, color, dashes, width: 0.5, isQuiet: true, x, y });
      }
      if (edge) sharpness.push({ method, label: edge.name, color, width: 1, isNamed: true, ...edge.curve });
    }
    const floor = finite(problem.floor) ? [{ value: problem.floor, label: `2/K = ${number(problem.floor)}` }] : [];
    const reaches = problem.reaches.map((value) => ({ value, label: `1 − c = ${number(value)}` }));
    const { unit } = problem;
    const of = unit === "epoch" ? " of the batches: mean and range" : "";
    const grid = section.querySelector(".panels");
    const specs = [
      { title: "training loss", series: series("loss"), isCapped: true },
      { title: `sharpness λ₁${of}`, series: sharpness, lines: floor, bands, isCapped: true },
      { title: "step size η", series: series("step_size") },
      { title: "sharpness × step size η·λ₁", series: series("product"), lines: [...reaches, { value: 2, label: "2" }], isCapped: true },
      { title: "test accuracy (%)", series: series("accuracy"), isLog: false, isFixed: true },
    ];
    specs.forEach((spec) => chart(grid, { ...spec, unit }, group));
    // Curves of one problem end where the longest does.
    group.restore();
  };

  /** The check boxes of a problem's methods. */
  const methods = (section, problem, group) => {
    const seen = new Map(problem.runs.map((run) => [run.method, run]));
    for (const [method, run] of seen) {
      const box = element("input", { type: "checkbox", checked: !group.kept.hidden.has(method), value: method });
      box.addEventListener("change", () => group.toggle(method, box.checked));
      section.querySelector(".methods").append(element("label", {}, box, key(run), method));
    }
  };

  /** Calls a function once an element comes near the window. */
  const whenNear = (place, build) => {
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        observer.disconnect();
        build();
      },
      { rootMargin: "800px" },
    );
    observer.observe(place);
  };

  /** Draws a problem: its panels once they are near the window, or at once if they were there before. */
  const drawProblem = (section, problem, isSeen) => {
    const group = newGroup(section.dataset.key);
    methods(section, problem, group);
    const build = () => panels(section, problem, group);
    if (isSeen) build();
    else whenNear(section.querySelector(".panels"), build);
  };

  Object.assign(flatland, { allGroups: [], chart, newGroup, drawProblem, key, element, number, whenNear });
  for (const problem of flatland.data.problems) drawProblem(document.getElementById(problem.anchor), problem, false);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const group of flatland.allGroups) group.charts.forEach(({ u }) => u.redraw(false, true));
  });
})();
