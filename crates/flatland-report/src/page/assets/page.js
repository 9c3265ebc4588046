"use strict";
// The table: sorting, and filters, which reach figures and runs too. Everything works on rows that are there without it.
const flatland = {
  data: JSON.parse(document.getElementById("data").textContent),
  /** What the reader has chosen to see of figures that share it, by the name of their group. */
  kept: new Map(),
  /** Sorts and filters the rows of the table again. */
  refreshTable: () => {
    flatland.sort();
    flatland.filter();
  },
};

flatland.sortable = (table) => {
  const headers = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent.trim();
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const compare = (a, b) =>
    typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  let sorted = null;
  flatland.sort = () => {
    if (!sorted) return;
    const { column, sign } = sorted;
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row) => [key(row, column), row]);
    keyed.sort(([a], [b]) => {
      // What has no number stays at the end in both directions.
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
    body.append(...keyed.map(([, row]) => row));
  };
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    header.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
      sorted = { column, sign };
      flatland.sort();
    });
  });
};

flatland.filterable = (form, table) => {
  const selects = [...form.querySelectorAll("select")];
  /** What a filter is set to; nothing for all. */
  flatland.chosen = (name) => form.elements[name].value;
  flatland.fits = (element) =>
    selects.every(({ name, value }) => !value || !(name in element.dataset) || element.dataset[name] === value);
  const apply = () => {
    const rows = [...table.tBodies[0].rows];
    for (const select of selects) {
      const known = new Set([...select.options].map((option) => option.value));
      const values = new Set(rows.map((row) => row.dataset[select.name]));
      [...values].sort().forEach((value) => known.has(value) || select.add(new Option(value)));
    }
    document.querySelectorAll("#table tbody tr, #runs .run, .of-run, .methods label").forEach((part) => (part.hidden = !flatland.fits(part)));
    const shown = rows.filter((row) => !row.hidden);
    // A problem stays as long as one of its rows does.
    const anchors = new Set(shown.map((row) => row.querySelector("a").hash.slice(1)));
    document.querySelectorAll(".problem").forEach((section) => (section.hidden = !anchors.has(section.id)));
    flatland.allGroups?.forEach((group) => group.apply());
    form.querySelector("output").value = `${shown.length} of ${rows.length} rows`;
  };
  flatland.filter = apply;
  form.addEventListener("change", apply);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  apply();
  // Folded where they would fill the window.
  const isNarrow = matchMedia("(max-width: 40rem)");
  const fold = () => (form.querySelector("details").open = !isNarrow.matches);
  isNarrow.addEventListener("change", fold);
  fold();
};

flatland.sortable(document.getElementById("table"));
flatland.filterable(document.getElementById("filters"), document.getElementById("table"));
