"use strict";
// A chart in uPlot, with its buttons, its keys and the values at the cursor.
(() => {
  const { color, describe, element, finite, ink, key, number, text, within } = flatland.drawing;
  const { labels, range, tick } = flatland.axes;
  const { FONT, annotate, margin } = flatland.marks;
  const HEIGHT = 250;
  /** How much remains of a curve while another is looked at. */
  const DIMMED = 0.15;
  /** The width of the curve under the pointer. */
  const PICKED = 3;
  const LINE = { dashes: [5, 4], width: 1 };

  const button = (textContent, title, name) => {
    const made = element("button", { type: "button", textContent, title });
    if (name) made.setAttribute("aria-label", name);
    return made;
  };

  /** Where a value is on a chart, in words. */
  const placed = (spec, x) => (spec.unit === "iteration" ? String(x) : number(x));

  /** The values at a place, or the last ones: of each curve that which is nearest, and its place where that is another.
   *  Before a curve's first point and after its last one there is no value. */
  const readout = (spec, entries, x) => {
    const asked = x !== null && spec.unit === "iteration" ? Math.round(x) : x;
    const found = entries.map((series) => {
      const place = asked === null ? series.x.length - 1 : within(series.x, asked);
      return { series, place, at: place === null ? null : series.x[place] };
    });
    const places = new Set(found.filter(({ at }) => at !== null).map(({ at }) => at));
    const common = places.size === 1 ? [...places][0] : (asked ?? Math.max(...places));
    const head = asked === null ? `last, at ${placed(spec, common)}:` : `${spec.unit} ${placed(spec, common)}:`;
    const spans = found.map(({ series, place, at }) => {
      const words = [series.label, place === null ? "–" : number(series.y[place])];
      const [low, high] = (series.range ?? []).map((bound) => bound.y[bound.x.indexOf(at)]);
      if (low !== undefined && high !== undefined) words.push(`(${number(low)} to ${number(high)})`);
      if (at !== null && placed(spec, at) !== placed(spec, common)) words.push(`at ${placed(spec, at)}`);
      const span = element("span", {}, key(series), ` ${words.join(" ")}`);
      if (series.method) span.dataset.method = series.method;
      return span;
    });
    const lines = (spec.lines ?? []).map(({ label }) => element("span", {}, key(LINE), ` ${label}`));
    return [element("span", { className: "at", textContent: head }), ...spans, ...lines];
  };

  /** What uPlot is to draw; `on` has what is to happen. */
  const options = (spec, state, group, holder, on) => {
    const axis = {
      stroke: text,
      font: FONT,
      grid: { stroke: () => color("--line"), width: 1 },
      ticks: { stroke: () => color("--line"), width: 1 },
    };
    const points = (series) => {
      if (!series.marker) return series.isQuiet || series.isNamed || series.width === 0 ? { show: false } : {};
      const fill = () => (series.marker === "filled" ? ink(series.color) : color("--back"));
      return { show: true, size: 6, width: 1.2, stroke: () => ink(series.color), fill };
    };
    return {
      width: Math.max(holder.clientWidth, 200),
      height: spec.height ?? HEIGHT,
      legend: { show: false },
      padding: [10, margin(spec), 0, 0],
      cursor: {
        // Zoom goes through the group.
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => () => group.reset() },
        dataIdx: (u, series, index, x) => {
          if (series === 0) return index;
          const { x: places, y } = spec.series[series - 1];
          const place = within(places, x);
          return place !== null && finite(y[place]) ? u.data[0].indexOf(places[place]) : null;
        },
        points: { show: spec.hasPoints !== true },
      },
      scales: {
        x: { time: false, distr: spec.isXLog ? 3 : 1 },
        y: { distr: state.isLog ? 3 : 1, range: (u, low, high) => range(spec, state, u, low, high) },
      },
      axes: [
        { ...axis, label: spec.unit, labelSize: 18, labelFont: FONT, size: 34, values: (_, splits) => splits.map(tick) },
        { ...axis, size: 62, ...labels(state.isLog) },
      ],
      series: [
        {},
        ...spec.series.map((series) => ({
          label: series.label,
          stroke: () => ink(series.color),
          width: series.marker ? 0 : (series.width ?? 2),
          dash: series.dashes,
          show: group.shows(series),
          paths: series.marker ? () => null : undefined,
          points: points(series),
        })),
      ],
      bands: (spec.bands ?? []).map(([high, low]) => ({
        series: [high + 1, low + 1],
        fill: () => `color-mix(in srgb, ${ink(spec.series[high].color)} 15%, transparent)`,
      })),
      hooks: {
        draw: [(u) => annotate(spec, state, u), on.draw],
        setCursor: [(u) => {
          on.pick(u);
          group.point(u, u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : null);
        }],
        setSelect: [(u) => {
          const { left, width } = u.select;
          if (width > 4) group.zoom(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
      },
    };
  };

  /** The curve that is nearest to the cursor up or down; nothing where there is none. */
  const underCursor = (spec, u) => {
    const { left, top } = u.cursor;
    if (!(left >= 0 && top >= 0)) return null;
    const x = u.posToVal(left, "x");
    let found = { away: Infinity, series: null };
    for (const series of spec.series) {
      const y = series.y[within(series.x, x)];
      const away = finite(y) && y > 0 ? Math.abs(u.valToPos(y, "y") - top) : Infinity;
      if (away < found.away) found = { away, series };
    }
    return found.series;
  };

  /** Builds a figure with a chart. Charts of a group share zoom, cursor and which methods are shown. */
  const chart = (parent, spec, group) => {
    const { kept } = group;
    const state = { isLog: kept.scales.get(spec.title) ?? spec.isLog ?? true, isUncut: kept.uncut.has(spec.title), isWhole: true, cut: [], picked: null, u: null };
    const [smaller, larger] = [button("−", "zoom out (−)", "zoom out"), button("+", "zoom in (+)", "zoom in")];
    const reset = button("reset", "undo the zoom (0)", "reset zoom");
    const scale = button("", "logarithmic or linear (L)");
    const tools = element("span", { className: "tools" }, smaller, larger, reset, scale);
    const caption = element("figcaption", {}, element("span", { textContent: spec.title }), tools);
    const holder = element("div", { className: "chart", tabIndex: 0 });
    const uncut = element("button", { type: "button" });
    const note = element("p", { className: "cut", hidden: true }, element("span"), " ", uncut);
    const values = element("div", { className: "values" });
    const figure = element("figure", { className: spec.isWide ? "wide" : "" }, caption);
    if (spec.legend) figure.append(spec.legend);
    figure.append(holder, note, values);
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
    const whole = () => {
      const all = group.charts.flatMap((other) => [other.u.data[0][0], other.u.data[0].at(-1)]);
      return spec.isXLog ? [all[0], all[1]] : [Math.min(...all), Math.max(...all)];
    };

    const show = (x) => {
      const named = spec.series.filter((series) => series.label && !series.isQuiet && group.shows(series) && series.x.length);
      values.replaceChildren(...readout(spec, state.picked ? [{ ...state.picked, width: PICKED }] : named, x));
    };

    /** Says what leaves the axis at its top. */
    const sayCut = (u) => {
      const all = new Map();
      for (const { index, top } of state.cut.filter(({ top }) => top > u.scales.y.max)) {
        const { method, label } = spec.series[index - 1];
        all.set(method ?? label, Math.max(top, all.get(method ?? label) ?? top));
      }
      const names = [...all].map(([label, top]) => `${label} (up to ${number(top)})`).join(", ");
      note.hidden = !names && !(state.isUncut && state.isLog);
      note.firstChild.textContent = names ? `△ The axis is cut: above it ${names}.` : "";
      uncut.textContent = names ? "show the whole axis" : "cut the axis again";
    };

    const light = (isLit) => {
      spec.series.forEach((series, index) => (state.u.series[index + 1].alpha = isLit(series) ? 1 : DIMMED));
      state.u.redraw(false);
    };
    const pick = (u) => {
      if (!spec.isPicked || group.isBusy) return;
      const picked = underCursor(spec, u);
      if (picked === state.picked) return;
      state.picked = picked;
      spec.series.forEach((series, index) => (u.series[index + 1].width = series === picked ? PICKED : (series.width ?? 2)));
      light((series) => !picked || series === picked);
    };

    const build = () => {
      state.u?.destroy();
      state.picked = null;
      const seen = (value) => (finite(value) && !(state.isLog && value <= 0) ? value : null);
      const tables = spec.series.map((series) => [series.x, series.y.map(seen)]);
      const data = tables.length > 1 ? uPlot.join(tables) : tables[0];
      state.u = new uPlot(options(spec, state, group, holder, { draw: sayCut, pick }), data, holder);
      holder.querySelectorAll("canvas").forEach((canvas) => canvas.setAttribute("aria-hidden", "true"));
      // For scripts and tests.
      holder.uplot = state.u;
      scale.textContent = state.isLog ? "linear" : "log";
      holder.setAttribute("aria-label", describe(spec, state.isLog));
      show(null);
    };
    const rebuild = () => {
      build();
      if (kept.range) self.setRange(...kept.range, false);
      else self.setRange(...whole(), true);
    };

    const self = {
      get u() {
        return state.u;
      },
      show,
      light,
      whole,
      setRange: (low, high, isWhole) => {
        state.isWhole = isWhole;
        state.u.setScale("x", { min: low, max: high });
      },
      apply: () => {
        state.u.batch(() =>
          spec.series.forEach((series, index) => {
            const isShown = group.shows(series);
            if (state.u.series[index + 1].show !== isShown) state.u.setSeries(index + 1, { show: isShown });
          }),
        );
        show(null);
      },
    };
    scale.addEventListener("click", () => {
      state.isLog = !state.isLog;
      kept.scales.set(spec.title, state.isLog);
      rebuild();
    });
    uncut.addEventListener("click", () => {
      state.isUncut = !state.isUncut;
      kept.uncut[state.isUncut ? "add" : "delete"](spec.title);
      rebuild();
    });
    flatland.steer(spec, group, self, { holder, smaller, larger, reset, scale });
    holder.addEventListener("focus", () => values.setAttribute("aria-live", "polite"));
    holder.addEventListener("blur", () => values.removeAttribute("aria-live"));
    group.lightOver(values);
    build();
    group.charts.push(self);
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

  Object.assign(flatland, { chart });
})();
