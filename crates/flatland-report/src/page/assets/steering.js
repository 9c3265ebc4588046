"use strict";
// How a chart is moved: buttons, keys, fingers. uPlot itself looks after the mouse.
(() => {
  flatland.steer = (spec, group, chart, { holder, smaller, larger, reset, scale }) => {
    const [toPlace, toValue] = spec.isXLog ? [Math.log10, (place) => 10 ** place] : [Number, Number];
    const ends = () => [chart.u.scales.x.min, chart.u.scales.x.max].map(toPlace);
    const around = (factor) => {
      const [low, high] = ends();
      const cursor = group.kept.at === null ? null : toPlace(group.kept.at);
      const at = cursor >= low && cursor <= high && cursor !== null ? cursor : (low + high) / 2;
      group.zoom(toValue(at - (at - low) * factor), toValue(at + (high - at) * factor));
    };
    /** Moves the cursor by a hundredth of the axis; beyond its end, the axis too. */
    const move = (sign) => {
      const [low, high] = ends();
      const [first, last] = chart.whole().map(toPlace);
      const from = group.kept.at === null ? (low + high) / 2 : toPlace(group.kept.at);
      const to = Math.min(Math.max(from + (sign * (high - low)) / 100, first), last);
      const shift = to < low ? to - low : Math.max(to - high, 0);
      if (shift !== 0) group.zoom(toValue(low + shift), toValue(high + shift));
      // Only then has uPlot taken over the range.
      queueMicrotask(() => group.point(null, toValue(to)));
    };
    const actions = {
      ArrowLeft: () => move(-1),
      ArrowRight: () => move(1),
      "+": () => around(0.5),
      "=": () => around(0.5),
      "-": () => around(2),
      0: () => group.reset(),
      l: () => spec.isFixed || scale.click(),
    };
    holder.addEventListener("keydown", (event) => {
      const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key.length > 1 ? event.key : event.key.toLowerCase()];
      if (!action) return;
      event.preventDefault();
      action();
    });
    smaller.addEventListener("click", actions["-"]);
    larger.addEventListener("click", actions["+"]);
    reset.addEventListener("click", actions[0]);
    // A finger that moves sideways moves the cursor; up and down, it scrolls the page.
    holder.addEventListener("pointermove", (event) => {
      const over = chart.u.over.getBoundingClientRect();
      const left = Math.min(Math.max(event.clientX - over.left, 0), over.width);
      if (event.pointerType === "touch") group.point(null, chart.u.posToVal(left, "x"));
    });
  };
})();
