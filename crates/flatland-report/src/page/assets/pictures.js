"use strict";
// The early phase, the smoothness along steps, and spectra: the colours of Okabe and Ito.
(() => {
  const { chart, newGroup, whenNear } = flatland;
  const { key, element, finite, mix, number } = flatland.drawing;
  const [BLUE, VERMILLION, GREEN, ORANGE] = ["#0072B2", "#D55E00", "#009E73", "#E69F00"];
  const DASHED = [6, 3];
  /** The axis of eigenvalues ends so many times below the highest: what lies there is rounding. */
  const DEPTH = 1e6;
  /** That of gradient norms: a parameter that has become idle must not press the others flat. */
  const NORM_DEPTH = 1e8;

  /** A place for the pictures of a run or a spectrum, by which filters choose. */
  const placeFor = (parent, { method, dataset, network, loss }) => {
    const place = element("div", { className: "of-run" });
    for (const [name, value] of Object.entries({ method, dataset, network, loss })) if (value) place.dataset[name] = value;
    place.hidden = !flatland.fits(place);
    parent.append(place);
    return place;
  };

  const legend = (entries) => {
    const spans = entries.map((entry) => element("span", {}, key(entry), ` ${entry.label}`));
    return element("div", { className: "values" }, ...spans);
  };
  const positive = (values) => values.map((value) => (value > 0 ? value : null));
  const highest = (lists) => lists.flat().reduce((high, value) => Math.max(high, Math.abs(value ?? 0)), 0);

  /** So many parameters at most have their norm named under the cursor. */
  const NAMED = 12;

  /** The gradient's norm at every parameter: a curve each, and a table. */
  const parameters = (parent, { parameters: all, parameters_x: x }, group) => {
    if (!all.length) return;
    const last = Math.max(all.length - 1, 1);
    const top = highest(all.map(({ norms }) => norms));
    const isNamed = (place) => all.length <= NAMED || Math.floor((place * (NAMED - 1)) / last) !== Math.floor(((place - 1) * (NAMED - 1)) / last);
    const series = all.map(({ name, norms }, place) => ({
      label: name,
      x,
      y: norms,
      width: all.length > 40 ? 0.6 : 1.2,
      color: mix(BLUE, ORANGE, place / last),
      dashes: name.endsWith("bias") ? DASHED : [],
      isQuiet: !isNamed(place),
    }));
    chart(
      parent,
      {
        title: "gradient norm at every parameter",
        unit: "iteration",
        height: 340,
        isWide: true,
        isPicked: true,
        least: top > 0 ? top / NORM_DEPTH : null,
        legend: legend([
          { label: "first parameter", color: BLUE },
          { label: "last parameter", color: ORANGE },
          { label: "a bias", dashes: DASHED },
          { label: "the curve under the pointer is named below", width: 3 },
        ]),
        series,
      },
      group,
    );
    const cell = (name, textContent) => element(name, { textContent });
    const heads = ["parameter", "first", "least", "largest", "last"].map((name) => Object.assign(cell("th", name), { scope: "col" }));
    const rows = all.map(({ name, norms }) => {
      const known = norms.filter(finite);
      const extremes = known.length ? [Math.min(...known), Math.max(...known)] : [null, null];
      // The first and the last may not be finite: that is shown, not the nearest that is.
      const cells = [norms[0], ...extremes, norms.at(-1)];
      const head = Object.assign(cell("th", name), { scope: "row" });
      return element("tr", {}, head, ...cells.map((value) => cell("td", number(value))));
    });
    const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows));
    const summary = element("summary", { textContent: "gradient norm at every parameter, as a table" });
    parent.append(element("details", { className: "wide norms" }, summary, element("div", { className: "scroll", tabIndex: 0 }, table)));
  };

  const early = (pictures, run) => {
    const parent = placeFor(pictures, run);
    const group = newGroup(`early ${run.title}`);
    const { x } = run;
    const unit = "iteration";
    parent.append(element("h4", { textContent: run.title, className: "wide" }));
    const side = (sign, color, marker) =>
      run.eigenvalues.map((list) => ({
        x,
        y: list.map((value) => (value !== null && sign * value > 0 ? Math.abs(value) : null)),
        color,
        marker,
        isQuiet: true,
      }));
    const trace = [
      { label: "trace", x, y: positive(run.trace) },
      { label: "", isQuiet: true, width: 0, x, y: positive(run.trace_high) },
      { label: "", isQuiet: true, width: 0, x, y: positive(run.trace_low) },
    ];
    const signs = [
      { label: "λ > 0", color: BLUE, marker: "filled" },
      { label: "λ < 0, drawn at |λ|", color: VERMILLION, marker: "hollow", width: 1.2 },
      { label: "trace ± standard error" },
    ];
    const first = { label: "|λ| of the largest", color: BLUE, x, y: (run.eigenvalues[0] ?? []).map((value) => value && Math.abs(value)), width: 0 };
    const top = highest([...run.eigenvalues, run.trace]);
    chart(
      parent,
      {
        title: "eigenvalues of largest magnitude, and the trace of the Hessian",
        unit,
        height: 420,
        isWide: true,
        isFixed: true,
        hasPoints: true,
        legend: legend(signs),
        series: [...trace, ...side(1, BLUE, "filled"), ...side(-1, VERMILLION, "hollow"), ...(first.y.length ? [first] : [])],
        bands: [[1, 2]],
        lines: run.floor === null ? [] : [{ value: run.floor, label: `2/K = ${number(run.floor)}`, short: "2/K" }],
        least: top > 0 ? top / DEPTH : null,
      },
      group,
    );
    chart(
      parent,
      {
        title: "gradient norm over the parameters",
        unit,
        series: [
          { label: "mean", color: BLUE, x, y: run.norm_mean },
          { label: "largest", color: BLUE, width: 0.7, x, y: run.norm_max },
          { label: "least", color: BLUE, width: 0.7, x, y: run.norm_min },
          { label: "last bias", color: GREEN, dashes: DASHED, x, y: run.norm_last_bias },
        ].map((series) => (series.y.some((value) => value !== null) ? series : { ...series, x: [], y: [] })),
        bands: [[1, 2]],
      },
      group,
    );
    chart(
      parent,
      {
        title: "shares, and how well λ after the first K pair as ±λ",
        unit,
        isLog: false,
        isFixed: true,
        range: [-0.03, 1.03],
        series: [
          { label: "zero gradient", color: BLUE, x, y: run.zero_gradient },
          { label: "dead activations", color: GREEN, dashes: DASHED, x, y: run.dead_activations },
          { label: "pairing", color: ORANGE, dashes: [9, 3, 2, 3], x, y: run.pairing },
        ].map((series) => (series.y.some((value) => value !== null) ? series : { ...series, x: [], y: [] })),
      },
      group,
    );
    parameters(parent, run, group);
    group.restore();
  };

  const segment = (pictures, run) => {
    const parent = placeFor(pictures, run);
    const group = newGroup(`segment ${run.title} ${run.iteration}`);
    const { x, step_size: step } = run;
    const magnitude = (values) => values.map((value) => (value === null ? null : Math.abs(value)));
    const negative = run.curvature.map((value) => (value < 0 ? -value : null));
    const lines = step > 0 ? [{ value: 1 / step, label: "1/η" }, { value: 2 / step, label: "2/η" }] : [];
    chart(
      parent,
      {
        title: `${run.title}, iteration ${run.iteration}: ${step > 0 ? `η = ${number(step)}` : "no step"}`,
        unit: "t",
        isXLog: true,
        isFixed: true,
        lines,
        verticals: step > 0 ? [{ value: step, label: "η" }] : [],
        series: [
          { label: "‖∇f(w − tg) − g‖/(t‖g‖)", dashes: DASHED, x, y: run.gradient_change },
          { label: "|gᵀHg|/‖g‖²", color: BLUE, x, y: magnitude(run.curvature) },
          { label: "gᵀHg < 0", color: BLUE, marker: "hollow", isQuiet: true, x, y: negative },
          { label: "‖Hg‖/‖g‖", color: GREEN, dashes: [2, 3], x, y: run.hessian_norm },
          { label: "λ₁(H)", color: VERMILLION, dashes: [9, 3, 2, 3], x, y: magnitude(run.sharpness) },
        ],
      },
      group,
    );
    group.restore();
  };

  const density = (pictures, spectrum) => {
    const parent = placeFor(pictures, spectrum);
    const group = newGroup(`density ${spectrum.title}`);
    const { x } = spectrum;
    chart(
      parent,
      {
        title: spectrum.title,
        unit: "eigenvalue",
        isWide: true,
        height: 340,
        least: spectrum.least,
        // Far from every eigenvalue the density is 0: no mark for that.
        series: [{ label: "density", color: VERMILLION, x, y: spectrum.density.map((value) => value && Math.max(value, spectrum.least)) }],
        ticks: spectrum.eigenvalues,
        verticals: spectrum.floor === null ? [] : [{ value: spectrum.floor, label: `2/K = ${number(spectrum.floor)}` }],
      },
      group,
    );
    group.restore();
    const rows = spectrum.parameters.map((name, index) =>
      element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", { textContent: number(spectrum.norms[index]) })),
    );
    const table = element("table", {}, element("tbody", {}, ...rows));
    parent.append(
      element("details", { className: "wide" }, element("summary", { textContent: "gradient norm by parameter" }), table),
    );
  };

  /** Draws a part that folds out once it is open. */
  const whenOpened = (details, runs, draw) => {
    if (!details) return;
    const build = () => runs.forEach((run) => draw(details.querySelector(".pictures"), run));
    if (details.open) build();
    else details.addEventListener("toggle", build, { once: true });
  };
  /** What belongs to a problem besides its panels. */
  flatland.drawPictures = (section, data) => {
    const of = (runs) => runs.filter((run) => run.problem === section.id);
    whenOpened(section.querySelector("details.early"), of(data.early), early);
    whenOpened(section.querySelector("details.segments"), of(data.segments), segment);
  };
  /** The spectra, once they are near the window, or at once if they were there before. */
  flatland.drawDensities = (section, data, isSeen) => {
    const build = () => data.densities.forEach((spectrum) => density(section.querySelector(".pictures"), spectrum));
    if (isSeen) build();
    else whenNear(section, build);
  };
  const { data } = flatland;
  for (const { anchor } of data.problems) flatland.drawPictures(document.getElementById(anchor), data);
  const densities = document.getElementById("densities");
  if (densities) flatland.drawDensities(densities, data, false);
})();
