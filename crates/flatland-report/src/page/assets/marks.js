"use strict";
// What is drawn over the curves: lines, their names beside the axes, and marks of what has no place.
(() => {
  const { color, finite, ink, text } = flatland.drawing;
  const FONT = '12px system-ui, "DejaVu Sans", sans-serif';
  /** Pixels from one name beside an axis to the next. */
  const APART = 13;

  const measuring = document.createElement("canvas").getContext("2d");
  /** The names that stand at the right of a chart: of its lines, and of curves that are edges. */
  const names = (spec) => [...(spec.lines ?? []), ...spec.series.filter((series) => series.isNamed)].map(({ short, label }) => short ?? label);
  /** The room that they need. */
  const margin = (spec) => {
    measuring.font = FONT;
    return names(spec).reduce((most, name) => Math.max(most, measuring.measureText(name).width + 11), 12);
  };

  const triangle = (ctx, x, tip, foot, isHollow) => {
    const half = Math.abs(foot - tip) / 2;
    ctx.beginPath();
    ctx.moveTo(x, tip);
    ctx.lineTo(x - half, foot);
    ctx.lineTo(x + half, foot);
    ctx.closePath();
    if (isHollow) ctx.stroke();
    else ctx.fill();
  };

  /** Where a curve is highest in each stretch above a value. */
  const peaks = ({ x, y }, top) => {
    const found = [];
    let peak = null;
    [...y, null].forEach((value, place) => {
      if (finite(value) && value > top) {
        if (peak === null || value > y[peak]) peak = place;
      } else if (peak !== null) {
        found.push(x[peak]);
        peak = null;
      }
    });
    return found;
  };

  const annotate = (spec, state, u) => {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
    const beside = [];
    const name = (label, y, of) => y >= bbox.top && y <= bottom && beside.push({ label, y, of });
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.save();
    ctx.clip();
    ctx.font = FONT.replace("12", 12 * ratio);
    const rule = (from, to) => {
      ctx.lineWidth = ratio;
      ctx.strokeStyle = color("--faint");
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(...from);
      ctx.lineTo(...to);
      ctx.stroke();
    };
    for (const { value, label, short } of spec.lines ?? []) {
      const y = u.valToPos(value, "y", true);
      rule([bbox.left, y], [right, y]);
      name(short ?? label, y, text());
    }
    for (const { value, label } of spec.verticals ?? []) {
      const x = u.valToPos(value, "x", true);
      rule([x, bbox.top], [x, bottom]);
      ctx.setLineDash([]);
      ctx.lineWidth = 3 * ratio;
      [ctx.textAlign, ctx.textBaseline, ctx.strokeStyle, ctx.fillStyle] = ["left", "bottom", color("--back"), text()];
      ctx.strokeText(label, x + 4 * ratio, bbox.top + 14 * ratio);
      ctx.fillText(label, x + 4 * ratio, bbox.top + 14 * ratio);
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
      ctx.fillStyle = ctx.strokeStyle = ink(series.color);
      ctx.globalAlpha = u.series[index + 1].alpha;
      if (series.isNamed) {
        const last = series.y.findLastIndex((value, place) => finite(value) && series.x[place] <= u.scales.x.max);
        if (last >= 0) name(series.short, u.valToPos(series.y[last], "y", true), ink(series.color));
      }
      if (state.cut.some((cut) => cut.index === index + 1)) {
        for (const x of peaks(series, u.scales.y.max)) triangle(ctx, u.valToPos(x, "x", true), bbox.top + ratio, bbox.top + 9 * ratio, true);
      }
      if (series.isNamed || series.isQuiet) return;
      series.y.forEach((value, place) => {
        if (finite(value) && !(state.isLog && value <= 0)) return;
        const x = u.valToPos(series.x[place], "x", true);
        if (finite(value)) triangle(ctx, x, bottom, bottom - 8 * ratio);
        else triangle(ctx, x, bbox.top, bbox.top + 8 * ratio);
      });
    });
    ctx.restore();
    // Names keep apart, in the order of what they name.
    [ctx.font, ctx.textAlign, ctx.textBaseline] = [FONT.replace("12", 12 * ratio), "left", "middle"];
    beside.sort((a, b) => a.y - b.y);
    beside.forEach((entry, place) => {
      if (place > 0) entry.y = Math.max(entry.y, beside[place - 1].y + APART * ratio);
    });
    for (const { label, y, of } of beside) {
      ctx.fillStyle = of;
      ctx.fillText(label, right + 7 * ratio, y);
    }
    ctx.restore();
  };

  flatland.marks = { FONT, annotate, margin };
})();
