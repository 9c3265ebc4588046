"use strict";
// What charts are drawn with: numbers, keys, axes, names over the curves.
(() => {
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

  flatland.drawing = { annotate, color, describe, element, finite, isRound, key, nearest, number, range, text, tick };
})();
