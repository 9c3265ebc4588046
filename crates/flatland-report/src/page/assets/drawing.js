"use strict";
// What charts are drawn with: numbers, colours, keys.
(() => {
  const isDark = matchMedia("(prefers-color-scheme: dark)");
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

  const channels = (hex) => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16));
  const hex = (rgb) => `#${rgb.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;
  /** A colour between two. */
  const mix = (from, to, share) => hex(channels(from).map((value, place) => value + share * (channels(to)[place] - value)));
  const luminance = (of) =>
    channels(of)
      .map((value) => (value <= 10 ? value / 3294.6 : ((value / 255 + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, place) => sum + [0.2126, 0.7152, 0.0722][place] * value, 0);
  const contrast = (a, b) => {
    const [low, high] = [luminance(a), luminance(b)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };

  /** The backgrounds of page.css. */
  const BACKS = { false: "#ffffff", true: "#14161a" };
  /** What lines need to be told from the background, by WCAG 2.1. */
  const CONTRAST = 3;
  const inks = new Map();
  /** A colour of the pictures, darker (in the dark lighter) if it would be too faint on this page. */
  const ink = (of, dark = isDark.matches) => {
    if (!of) return text();
    const name = `${of} ${dark}`;
    if (!inks.has(name)) {
      let share = 0;
      const shade = () => (share ? mix(of, dark ? "#ffffff" : "#000000", share) : of);
      while (contrast(shade(), BACKS[dark]) < CONTRAST) share += 0.02;
      inks.set(name, shade());
    }
    return inks.get(name);
  };

  /** A piece of the line that a curve is drawn with. */
  const key = ({ color: of, dashes = [], width = 2, marker }) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const attributes = { class: "key", width: 28, height: 12, "aria-hidden": true };
    Object.entries(attributes).forEach(([name, value]) => svg.setAttribute(name, value));
    const shape = document.createElementNS(svg.namespaceURI, marker ? "circle" : "line");
    const places = marker ? { cx: 14, cy: 6, r: 4 } : { x1: 0, x2: 28, y1: 6, y2: 6 };
    // `currentColor` of the style below: it follows the colour scheme.
    const look = { stroke: "currentColor", "stroke-width": width, "stroke-dasharray": dashes.join(" ") };
    look.fill = marker === "filled" ? "currentColor" : "none";
    Object.entries({ ...places, ...look }).forEach(([name, value]) => shape.setAttribute(name, value));
    if (of) svg.style.color = `light-dark(${ink(of, false)}, ${ink(of, true)})`;
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

  /** The same, or nothing for a value before the first or after the last. */
  const within = (sorted, value) => {
    const [first, last] = [sorted[0], sorted.at(-1)];
    // The ends of an axis in pixels are those of its curves up to rounding.
    const slack = 1e-6 * (last - first);
    return sorted.length && value >= first - slack && value <= last + slack ? nearest(sorted, value) : null;
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

  flatland.drawing = { color, contrast, describe, element, finite, ink, isDark, key, mix, number, text, within };
})();
