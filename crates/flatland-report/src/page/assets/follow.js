"use strict";
// Follows the records: asks which version of the page is the newest, and takes over what is new in it. What the reader has
// chosen stays: sorting, filters, zoom, methods, axes, what is folded out, the place on the page and the focus.
(() => {
  const PAUSE = 2000;
  const follow = document.getElementById("follow");
  const box = follow.querySelector("input");
  const note = follow.querySelector("output");
  let { version } = document.documentElement.dataset;

  /** Nothing moves under a pointer that is down, or selected text. */
  let isHeld = false;
  addEventListener("pointerdown", () => (isHeld = true), true);
  for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => (isHeld = false), true);
  addEventListener("blur", () => (isHeld = false));
  const isBusy = () => isHeld || !getSelection().isCollapsed;

  const keyed = (root) => new Map([...root.querySelectorAll("[data-key]")].map((element) => [element.dataset.key, element]));
  const hasPictures = (section) => section?.querySelector(".panels, .pictures")?.hasChildNodes() ?? false;
  const FOCUSABLE = "a, button, input, summary, [tabindex]";

  /** What a problem is drawn from, whatever its place on the page. */
  const drawnFrom = (data, anchor) =>
    JSON.stringify([data.problems, data.early, data.segments].map((list) =>
      list.filter((entry) => (entry.anchor ?? entry.problem) === anchor).map((entry) => ({ ...entry, anchor: "", problem: "" }))));

  /** Charts of figures that are no longer there. */
  const forget = () => {
    const [here, gone] = [[], []];
    for (const group of flatland.allGroups) {
      const isHere = group.charts.every(({ u }) => u.root.isConnected);
      (isHere ? here : gone).push(group);
    }
    gone.forEach((group) => group.charts.forEach((chart) => chart.destroy()));
    flatland.allGroups.splice(0, Infinity, ...here);
  };

  const takeFigures = (old, next, data) => {
    const sections = keyed(old);
    const isSame = (section, before) => before && drawnFrom(flatland.data, before.id) === drawnFrom(data, section.id);
    const pairs = [...next.querySelectorAll(".problem")].map((section) => [section, sections.get(section.dataset.key)]);
    const isUnchanged = pairs.length === old.querySelectorAll(".problem").length;
    if (isUnchanged && pairs.every(([section, before]) => isSame(section, before) && section.id === before.id)) return;
    const same = pairs.filter((pair) => isSame(...pair));
    for (const [section, before] of same) {
      // Figures that have not changed stay as they are, under their new number.
      before.id = section.id;
      before.querySelector("h3").id = `${section.id}-title`;
      before.setAttribute("aria-labelledby", `${section.id}-title`);
      section.replaceWith(before);
    }
    old.replaceWith(next);
    for (const problem of data.problems) {
      const section = document.getElementById(problem.anchor);
      const before = sections.get(section.dataset.key);
      if (section === before) continue;
      // A new one is drawn at once: it may be above what is looked at, and must not change its height later.
      flatland.drawProblem(section, problem, !before || hasPictures(before));
      flatland.drawPictures(section, data);
    }
  };

  const takeDensities = (page, data) => {
    const old = document.getElementById("densities");
    const next = page.getElementById("densities");
    if (old && JSON.stringify(flatland.data.densities) === JSON.stringify(data.densities)) return;
    if (old && next) old.replaceWith(next);
    else if (next) document.getElementById("figures").after(next);
    else old?.remove();
    if (next) flatland.drawDensities(next, data, hasPictures(old));
  };

  const take = async (page) => {
    const data = JSON.parse(page.getElementById("data").textContent);
    const focused = document.activeElement;
    const around = focused?.closest("main [data-key]");
    const index = around ? [...around.querySelectorAll(FOCUSABLE)].indexOf(focused) : -1;
    // Where the reader is, below the head of the page: at what has the focus, or else begins in sight, or else is in sight.
    const topOf = (element) => element.getBoundingClientRect().top;
    const parts = [...document.querySelectorAll("main [data-key]")];
    const seen = parts.filter((part) => scrollY > 0 && topOf(part) < innerHeight && part.getBoundingClientRect().bottom > 0);
    const anchor = seen.find((part) => part === around) ?? seen.find((part) => topOf(part) >= 0) ?? seen[0];
    const top = anchor && topOf(anchor);

    const open = keyed(document);
    for (const [key, element] of keyed(page)) {
      if (element.matches("details") && open.get(key)?.open) element.open = true;
    }
    for (const selector of ["header > p", "#table tbody", "#claims", "#runs"]) {
      document.querySelector(selector).replaceWith(document.adoptNode(page.querySelector(selector)));
    }
    const [leftOut, ofPage] = [document.getElementById("left-out"), page.getElementById("left-out")];
    // The reader may have folded it.
    if (leftOut && ofPage) leftOut.replaceChildren(...ofPage.childNodes);
    else if (ofPage) document.querySelector("body > header").append(ofPage);
    else leftOut?.remove();
    takeFigures(document.getElementById("figures"), page.getElementById("figures"), data);
    takeDensities(page, data);
    flatland.data = data;
    forget();
    flatland.refreshTable();

    // uPlot gives its charts their height in a microtask: nothing is painted before that.
    await null;
    const same = anchor && keyed(document).get(anchor.dataset.key);
    if (same) scrollBy({ top: topOf(same) - top, behavior: "instant" });
    if (index >= 0 && document.activeElement !== focused) {
      const renewed = keyed(document).get(around.dataset.key)?.querySelectorAll(FOCUSABLE)[index];
      (focused.isConnected ? focused : renewed)?.focus({ preventScroll: true });
    }
  };

  /** The text at an address; nothing if nobody answers. */
  const ask = async (address) => {
    const answer = await fetch(address, { cache: "no-store" }).catch(() => null);
    return answer?.ok ? answer.text() : null;
  };

  const look = async () => {
    const newest = await ask("version");
    const isNew = newest !== null && newest !== version;
    if (newest === null) {
      note.value = "nobody answers: what is shown is the last state";
    } else if (isNew && (!box.checked || isBusy())) {
      note.value = "there is more than is shown";
    } else if (isNew) {
      const text = await ask("./");
      const page = text && new DOMParser().parseFromString(text, "text/html");
      // The runs may be gone: that page says so.
      if (page && !page.getElementById("data")) return location.reload();
      if (page) {
        version = page.documentElement.dataset.version;
        await take(page);
        note.value = `new at ${new Date().toLocaleTimeString()}`;
      }
    }
    setTimeout(look, PAUSE);
  };
  follow.hidden = false;
  setTimeout(look, PAUSE);
})();
