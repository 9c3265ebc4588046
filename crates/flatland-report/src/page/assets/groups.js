"use strict";
// Charts that share zoom, cursor and which methods are shown.
(() => {
  /** A group of a name that was there before shows what the reader had chosen. */
  const newGroup = (name) => {
    const kept = flatland.kept.get(name) ?? { hidden: new Set(), hasSeeds: false, range: null, at: null, scales: new Map(), uncut: new Set() };
    flatland.kept.set(name, kept);
    const group = {
      kept,
      charts: [],
      isBusy: false,
      /** Whether a curve is to be seen. */
      shows: ({ method, isSeed }) => {
        const only = flatland.chosen("method");
        return (!isSeed || kept.hasSeeds) && (!method || (!kept.hidden.has(method) && (!only || only === method)));
      },
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
      /** Shows and hides curves by what was chosen. */
      apply: () => {
        group.charts.forEach((chart) => chart.apply());
        group.light(group.asked);
      },
      /** Dims all methods but one; without one that is shown, none. */
      light: (method) => {
        group.asked = method;
        const lit = method && group.shows({ method }) ? method : undefined;
        if (lit === group.lit) return;
        group.lit = lit;
        group.charts.forEach((chart) => chart.light((series) => !lit || series.method === lit));
      },
      /** Dims the other methods while the pointer or the focus is on a method's name in a place. */
      lightOver: (place) => {
        const at = ({ target }) => {
          const named = target.closest("[data-method]");
          group.light(place.contains(named) ? named.dataset.method : undefined);
        };
        for (const name of ["pointerover", "focusin"]) place.addEventListener(name, at);
        for (const name of ["pointerleave", "focusout"]) place.addEventListener(name, () => group.light());
      },
    };
    flatland.allGroups.push(group);
    return group;
  };

  Object.assign(flatland, { allGroups: [], newGroup });
  flatland.drawing.isDark.addEventListener("change", () => {
    for (const group of flatland.allGroups) group.charts.forEach(({ u }) => u.redraw(false, true));
  });
})();
