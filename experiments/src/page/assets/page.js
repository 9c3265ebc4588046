"use strict";
// The table: sorting and filters. Everything works on rows that are there without it.
const flatland = {
  data: JSON.parse(document.getElementById("data").textContent),
  /** A function for each section that shows or hides a method in its figures. */
  groups: new Map(),
};

flatland.sortable = (table) => {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent.trim();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const compare = (a, b) =>
    typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      const keyed = [...body.rows].map((row) => [key(row, column), row]);
      keyed.sort(([a], [b]) => {
        // What has no number stays at the end in both directions.
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * compare(a, b);
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
};

flatland.filterable = (form, table) => {
  const rows = [...table.tBodies[0].rows];
  const selects = [...form.querySelectorAll("select")];
  const sections = [...document.querySelectorAll(".problem")];
  for (const select of selects) {
    const values = new Set(rows.map((row) => row.dataset[select.name]));
    [...values].sort().forEach((value) => select.add(new Option(value)));
  }
  const fits = (element) =>
    selects.every(({ name, value }) => !value || !(name in element.dataset) || element.dataset[name] === value);
  const apply = () => {
    rows.forEach((row) => (row.hidden = !fits(row)));
    const shown = rows.filter((row) => !row.hidden);
    // A problem stays as long as one of its rows does.
    const anchors = new Set(shown.map((row) => row.querySelector("a").hash.slice(1)));
    sections.forEach((section) => (section.hidden = !anchors.has(section.id)));
    form.querySelector("output").value = `${shown.length} of ${rows.length} rows`;
  };
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
};

flatland.sortable(document.getElementById("table"));
flatland.filterable(document.getElementById("filters"), document.getElementById("table"));
