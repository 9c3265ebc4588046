"use strict";
// Charts in uPlot, and what several of them share.
(() => {
  const { annotate, color, describe, element, finite, isRound, key, nearest, number, range, text, tick } = flatland.drawing;
  const HEIGHT = 250;

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

  Object.assign(flatland, { allGroups: [], chart, newGroup });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const group of flatland.allGroups) group.charts.forEach(({ u }) => u.redraw(false, true));
  });
})();
