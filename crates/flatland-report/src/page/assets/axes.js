"use strict";
// Vertical axes: where they end, and where they have labels.
(() => {
  const { finite } = flatland.drawing;
  /** A capped axis ends so many times above the median of the curves' highest values. */
  const CAP = 1e3;

  /** The highest value of each curve that is shown, within the horizontal axis. */
  const tops = (u) => {
    // While uPlot asks for a range, its horizontal scale is still the one before; this series has the ends of the new one.
    const { min, max } = u.series[0];
    return u.series.flatMap(({ show }, index) => {
      if (index === 0 || !show) return [];
      let top = null;
      u.data[index].forEach((value, place) => {
        const x = u.data[0][place];
        if (finite(value) && x >= min && x <= max) top = Math.max(top ?? value, value);
      });
      return top === null ? [] : [{ index, top }];
    });
  };

  /** The range of an axis. A curve that climbs to over a thousand times the median of the others' highest values leaves
   *  at the top, unless the axis is to show all: `state.cut` says which do. */
  const range = (spec, state, u, low, high) => {
    state.cut = [];
    if (!finite(low) || !finite(high)) return state.isLog ? [0.1, 10] : [0, 1];
    if (spec.range) return spec.range;
    if (state.isLog && spec.isCapped && !state.isUncut) {
      const all = tops(u).sort((a, b) => a.top - b.top);
      if (all.length) high = Math.max(low, Math.min(high, CAP * all[(all.length - 1) >> 1].top));
      state.cut = all.filter(({ top }) => top > high);
    }
    if (state.isWhole) for (const { value } of spec.lines ?? []) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (!state.isLog) {
      const room = Math.max(0.06 * (high - low), 1e-12 + 0.01 * Math.abs(high));
      return [low - room, high + room];
    }
    if (finite(spec.least) && spec.least < high) low = Math.max(low, spec.least);
    const room = Math.max(0.06 * Math.log10(high / low), 0.05);
    return [low / 10 ** room, high * 10 ** room];
  };

  /** The multiples within a range of 1, 2 or 5 times a power of ten: as many as there are without being more than `most`. */
  const multiples = (low, high, most) => {
    for (let exponent = Math.floor(Math.log10(high - low)) - 1; ; exponent++) {
      for (const mantissa of [1, 2, 5]) {
        const step = mantissa * 10 ** exponent;
        const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
        if (last - first < most) return Array.from({ length: last - first + 1 }, (_, place) => Number(((first + place) * step).toPrecision(12)));
      }
    }
  };

  /** Where a logarithmic axis has lines, and which of them have labels: those of the pictures of `experiments plot`. */
  const logarithmic = (low, high) => {
    const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
    const stride = Math.max(1, Math.ceil(Math.log10(high / low) / 7));
    const at = (mantissas) => {
      const decades = Array.from({ length: to - from + 1 }, (_, place) => from + place).filter((decade) => decade % stride === 0);
      return decades.flatMap((decade) => mantissas.map((mantissa) => Number(`${mantissa}e${decade}`))).filter((value) => value >= low && value <= high);
    };
    const labelled = [[1], [1, 3], [1, 2, 5]].map(at).find((values) => values.length >= 3) ?? multiples(low, high, 5);
    const fine = stride === 1 ? at([2, 3, 4, 5, 6, 7, 8, 9]) : [];
    return { labelled: new Set(labelled), lines: [...new Set([...fine, ...labelled])].sort((a, b) => a - b) };
  };

  const tick = (value) => {
    if (value === null) return "";
    const size = Math.abs(value);
    return size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential().replace("e+", "e") : String(Number(value.toPrecision(6)));
  };

  /** How uPlot is to label a vertical axis. */
  const labels = (isLog) => {
    if (!isLog) return { values: (_, splits) => splits.map(tick) };
    return {
      splits: (u, axis, low, high) => logarithmic(low, high).lines,
      filter: (u, splits) => splits,
      values: (u, splits) => {
        const { labelled } = logarithmic(u.scales.y.min, u.scales.y.max);
        return splits.map((value) => (labelled.has(value) ? tick(value) : ""));
      },
    };
  };

  flatland.axes = { labels, range, tick };
})();
