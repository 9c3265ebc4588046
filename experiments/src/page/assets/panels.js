"use strict";
// The five panels of every problem, and the check boxes of its methods.
(() => {
  const { chart, newGroup } = flatland;
  const { element, finite, key, number } = flatland.drawing;

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

  Object.assign(flatland, { drawProblem, whenNear });
  for (const problem of flatland.data.problems) drawProblem(document.getElementById(problem.anchor), problem, false);
})();
