"use strict";
// The five panels of every problem, and the check boxes of its methods.
(() => {
  const { chart, newGroup } = flatland;
  const { element, finite, key, number } = flatland.drawing;

  /** The curves of a panel, with bands between two of them: of each method its run; of several seeds the median, the
   *  range from the least to the largest value, and the seeds' own curves, thin. */
  const curves = (problem, name) => {
    const [series, bands] = [[], []];
    const add = (look, median, range) => {
      series.push({ ...look, label: look.method, x: median.x, y: median.y, range });
      if (!range) return;
      bands.push([series.length + 1, series.length]);
      for (const { x, y } of range) series.push({ ...look, label: look.method, width: 0.5, isQuiet: true, x, y });
    };
    const alone = (run) => !problem.seeds.some(({ method }) => method === run.method);
    for (const { method, color, dashes, range, [name]: curve } of problem.runs.filter(alone)) {
      add({ method, color, dashes }, curve, name === "sharpness" ? range : null);
    }
    for (const { method, color, dashes, [name]: curve } of problem.seeds) add({ method, color, dashes }, curve.median, curve.range);
    for (const { method, label, color, dashes, [name]: { x, y } } of problem.runs.filter((run) => !alone(run))) {
      series.push({ method, label, color, dashes, width: 0.7, isSeed: true, isQuiet: true, x, y });
    }
    return { series, bands };
  };

  /** The edge of each method whose step size is fixed. */
  const edges = (problem) => {
    const all = new Map(problem.runs.filter(({ edge }) => edge).map((run) => [run.method, run]));
    // The seeds of a method share its step size.
    return [...all.values()].map(({ method, color, edge: { name, curve } }) => ({
      method, color, label: name, short: name.split(" of ")[0], width: 1, isNamed: true, x: curve.x, y: curve.y,
    }));
  };

  /** The five panels of a problem. */
  const panels = (section, problem, group) => {
    const floor = finite(problem.floor) ? [{ value: problem.floor, label: `2/K = ${number(problem.floor)}`, short: "2/K" }] : [];
    const isAlone = problem.reaches.length === 1;
    const reaches = problem.reaches.map((value) => ({ value, label: `1 − c = ${number(value)}`, short: isAlone ? "1 − c" : number(value) }));
    const { unit } = problem;
    const of = unit === "epoch" ? " of the batches: mean and range" : "";
    const sharpness = curves(problem, "sharpness");
    sharpness.series.push(...edges(problem));
    const specs = [
      { title: "training loss", ...curves(problem, "loss"), isCapped: true },
      { title: `sharpness λ₁${of}`, ...sharpness, lines: floor, isCapped: true },
      { title: "step size η", ...curves(problem, "step_size") },
      { title: "sharpness × step size η·λ₁", ...curves(problem, "product"), lines: [...reaches, { value: 2, label: "2" }], isCapped: true },
      { title: "test accuracy (%)", ...curves(problem, "accuracy"), isLog: false, isFixed: true },
    ];
    const grid = section.querySelector(".panels");
    specs.forEach((spec) => chart(grid, { ...spec, unit }, group));
    // Curves of one problem end where the longest does.
    group.restore();
  };

  /** The check boxes of a problem's methods, and one for the curves of single seeds. */
  const methods = (section, problem, group) => {
    const boxes = section.querySelector(".methods");
    const add = (properties, change, ...children) => {
      const box = element("input", { type: "checkbox", ...properties });
      box.addEventListener("change", () => {
        change(box.checked);
        group.apply();
      });
      const label = element("label", {}, box, ...children);
      boxes.append(label);
      return label;
    };
    const { hidden } = group.kept;
    const seeds = new Map(problem.seeds.map(({ method, count }) => [method, count]));
    for (const [method, run] of new Map(problem.runs.map((run) => [run.method, run]))) {
      const choose = (isShown) => hidden[isShown ? "delete" : "add"](method);
      const label = add({ checked: !hidden.has(method), value: method }, choose, key(run), method);
      label.dataset.method = method;
      label.hidden = !flatland.fits(label);
      if (seeds.has(method)) label.title = `median and range of ${seeds.get(method)} seeds`;
    }
    if (seeds.size) add({ checked: group.kept.hasSeeds, className: "seeds" }, (isShown) => (group.kept.hasSeeds = isShown), "each seed");
    group.lightOver(boxes);
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

  Object.assign(flatland, { drawProblem, whenNear });
  for (const problem of flatland.data.problems) drawProblem(document.getElementById(problem.anchor), problem, false);
})();
