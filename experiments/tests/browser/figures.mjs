// Figures of `experiments report` in headless Chromium: what they say of runs that diverge or have several seeds, how they
// are zoomed, filtered and told apart. PROGRAM and CHROMIUM as in report.mjs.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, openIn } from "./browser.mjs";
import { makeDiverging, makeSeeds } from "./results.mjs";

const { PROGRAM, SCREENSHOTS } = process.env;
assert.ok(PROGRAM, "PROGRAM is not set: the path of the program `experiments`");
const folder = mkdtempSync(join(tmpdir(), "flatland-figures-"));
let seeds, browser;
const page = (name) => join(folder, `${name}.html`);

before(async () => {
  seeds = makeSeeds(PROGRAM, join(folder, "seeds"));
  for (const [name, runs] of [["seeds", seeds], ["diverging", makeDiverging(PROGRAM, join(folder, "diverging"))]]) {
    execFileSync(PROGRAM, ["report", runs, "-o", page(name)], { stdio: ["ignore", "pipe", "pipe"] });
  }
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a page with its panels drawn. */
const open = (name, options, use) =>
  openIn(browser, page(name), options, async (page) => {
    await page.locator("#problem-1").scrollIntoViewIfNeeded();
    await page.locator("#problem-1 .panels canvas").nth(4).waitFor();
    await use(page);
  });
const figure = (page, title) =>
  page.locator("#problem-1 .panels figure", { has: page.locator("figcaption span", { hasText: new RegExp(`^${title}`) }) });
const values = (page, title) => figure(page, title).locator(".values").innerText();
/** Moves the pointer over a figure, to an iteration and a share of the height. */
const point = async (page, title, iteration, down = 0.5) => {
  const chart = figure(page, title).locator(".chart");
  await chart.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await chart.locator(".u-over").boundingBox();
  const [min, max] = await chart.evaluate(({ uplot }) => [uplot.scales.x.min, uplot.scales.x.max]);
  await page.mouse.move(x + (width * (iteration - min)) / (max - min), y + down * height);
  await page.waitForFunction((element) => element.textContent.startsWith("iteration"), await figure(page, title).locator(".values").elementHandle());
};
const ranges = (page) => page.locator("#problem-1 .panels .chart").evaluateAll((charts) => charts.map(({ uplot: { scales: { x } } }) => [x.min, x.max]));

test("a run that has ended has no value after its end, and a value from elsewhere names its iteration", async () => {
  await open("diverging", {}, async (page) => {
    await point(page, "training loss", 9);
    const loss = await values(page, "training loss");
    assert.match(loss, /^iteration 9:/);
    assert.match(loss, / GD 0\.1 –/);
    assert.match(loss, / NLS \S+ at (8|10)\b/);
    assert.doesNotMatch(loss, / LS \S+ at /);
    const marked = await figure(page, "training loss").locator(".chart").evaluate(({ uplot }) =>
      uplot.series.map(({ label }, index) => [label, uplot.cursor.idxs[index]]).filter(([, index]) => index != null).map(([label]) => label));
    assert.ok(marked.includes("LS") && !marked.includes("GD 0.1"), String(marked));
    // λ₁ is measured at 0, 3, 6, 9 and 11.
    await point(page, "training loss", 7);
    assert.match(await values(page, "sharpness λ₁"), /^iteration 6:/);
    await point(page, "training loss", 4);
    assert.match(await values(page, "training loss"), / GD 0\.1 1\.00e\+9/);
    await page.mouse.move(0, 0);
    assert.match(await values(page, "training loss"), /^last, at 11:.* GD 0\.1 \S+ at 5/s);
  });
});

test("an axis that is cut says so, and shows all when it is asked to", async () => {
  await open("diverging", {}, async (page) => {
    const loss = figure(page, "training loss");
    const top = () => loss.locator(".chart").evaluate(({ uplot }) => uplot.scales.y.max);
    assert.match(await loss.locator(".cut").innerText(), /The axis is cut: above it GD 0\.1 \(up to 1\.00e\+9\)/);
    assert.equal(await page.locator("#problem-1 .panels .cut:visible").count(), 1);
    assert.ok((await top()) < 1e5, String(await top()));
    await loss.getByRole("button", { name: "show the whole axis" }).click();
    assert.ok((await top()) > 1e9, String(await top()));
    assert.doesNotMatch(await loss.locator(".cut").innerText(), /GD/);
    await loss.getByRole("button", { name: "cut the axis again" }).click();
    assert.ok((await top()) < 1e5, String(await top()));
    // Where nothing diverges, nothing is cut.
    await loss.locator(".chart").focus();
    await point(page, "training loss", 10);
    for (const _ of "12") await page.keyboard.press("+");
    assert.ok(await loss.locator(".cut").isHidden());
  });
});

test("several seeds are one curve with a band, and one edge", async () => {
  await open("seeds", {}, async (page) => {
    const of = (title) => figure(page, title).locator(".chart").evaluate(({ uplot }) => ({
      shown: uplot.series.slice(1).filter(({ show }) => show).map(({ label }) => label),
      all: uplot.series.length - 1,
      bands: uplot.bands.length,
      x: [...uplot.data[0]],
      nls: [...uplot.data[uplot.series.findIndex(({ label }) => label === "NLS")]],
    }));
    const loss = await of("training loss");
    const lines = ["LS", "NLS", "GD 0.1"];
    // A median with the two ends of its band.
    assert.deepEqual(loss.shown, lines.flatMap((name) => [name, name, name]));
    assert.deepEqual([loss.bands, loss.all], [3, 18]);
    const sharpness = await of("sharpness λ₁");
    assert.deepEqual(sharpness.shown.filter((name) => !lines.includes(name)), ["2/η of GD 0.1"]);
    const losses = readdirSync(seeds).filter((name) => /-nls-[123]-[0-9a-f]+$/.test(name)).map((name) =>
      readFileSync(join(seeds, name, "metrics.csv"), "utf8").trim().split("\n").slice(1).map((row) => Number(row.split(",")[1])));
    assert.equal(losses.length, 3);
    loss.x.forEach((x, place) => {
      const sorted = losses.map((of) => of[x]).sort((a, b) => a - b);
      assert.ok(Math.abs(loss.nls[place] / sorted[1] - 1) < 1e-4, `${x}: ${loss.nls[place]} of ${sorted}`);
    });
    assert.match(await values(page, "training loss"), / NLS \S+ \(\S+ to \S+\)/);
    await page.getByLabel("each seed").check();
    assert.deepEqual((await of("training loss")).shown.length, 18);
    await page.locator("#problem-1 .methods").getByLabel("NLS", { exact: true }).uncheck();
    assert.deepEqual((await of("training loss")).shown.length, 12);
    if (SCREENSHOTS) await page.locator("#problem-1").screenshot({ path: join(SCREENSHOTS, "seeds.png") });
  });
});

test("the filter of methods reaches figures, their check boxes, the early phase and the list of runs", async () => {
  await open("diverging", {}, async (page) => {
    await page.locator("#problem-1 details.early > summary").click();
    await page.locator("#problem-1 details.early canvas").first().waitFor();
    const shown = () => page.locator("#problem-1 .panels .chart").evaluateAll((charts) =>
      [...new Set(charts.flatMap(({ uplot }) => uplot.series.slice(1).filter(({ show }) => show).map(({ label }) => label)))]);
    const runs = () => page.locator(".run:visible summary").allInnerTexts();
    assert.equal((await shown()).length, 5);
    await page.getByLabel("Method", { exact: true }).selectOption("NLS");
    assert.deepEqual(await shown(), ["NLS"]);
    assert.deepEqual(await page.locator("#problem-1 .methods label:visible").allInnerTexts(), ["NLS"]);
    assert.match((await runs()).join("\n"), /^fashion-mnist · mlp · mse · NLS, seed 42 done$/);
    assert.equal(await page.locator("#problem-1 details.early h4:visible").count(), 1);
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.waitForFunction(() => document.querySelectorAll("#runs .run:not([hidden])").length === 4);
    assert.equal((await shown()).length, 5);
    assert.equal(await page.locator("#problem-1 details.early h4:visible").count(), 4);
  });
});

test("buttons zoom, by touch and by keyboard", async () => {
  await open("diverging", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page) => {
    const whole = await ranges(page);
    const loss = figure(page, "training loss");
    await loss.getByRole("button", { name: "zoom in" }).tap();
    for (const [low, high] of await ranges(page)) assert.ok(Math.abs(high - low - 5.5) < 0.01, `${low} to ${high}`);
    await loss.getByRole("button", { name: "zoom out" }).tap();
    assert.deepEqual(await ranges(page), whole);
    await loss.getByRole("button", { name: "zoom in" }).focus();
    await page.keyboard.press("Enter");
    assert.notDeepEqual(await ranges(page), whole);
    await loss.getByRole("button", { name: "reset zoom" }).tap();
    assert.deepEqual(await ranges(page), whole);
    // A finger puts the cursor where it is.
    const { x, y, width, height } = await loss.locator(".u-over").boundingBox();
    await page.touchscreen.tap(x + (3 / 11) * width, y + height / 2);
    await page.waitForFunction((element) => element.textContent.startsWith("iteration 3:"), await loss.locator(".values").elementHandle());
    // The keys move the axis, too, once the cursor is at its end.
    await loss.locator(".chart").focus();
    for (const press of ["+", "+", ...Array(120).fill("ArrowRight")]) await page.keyboard.press(press);
    const [low, high] = (await ranges(page))[0];
    assert.ok(low > 3 && Math.abs(high - low - 2.75) < 0.01, `${low} to ${high}`);
  });
});

test("a narrow window begins with numbers: filters are folded, what a row is of stands together", async () => {
  await open("diverging", { viewport: { width: 390, height: 844 } }, async (page) => {
    await page.evaluate(() => scrollTo(0, 0));
    assert.ok(await page.locator("#filter-method").isHidden());
    const cell = page.locator("#table tbody tr").first().locator("td.number").nth(1);
    const { x, y, width, height } = await cell.boundingBox();
    assert.ok(x + width <= 390 && y + height < 844, `${x} + ${width}, ${y} + ${height}`);
    assert.match(await page.locator("#table tbody td").first().innerText(), /fashion-mnist\s+mlp · mse · seeds 42 · done/);
    await page.locator("#filters summary").click();
    await page.getByLabel("Method", { exact: true }).selectOption("NLS");
    assert.equal(await page.locator("#table tbody tr:visible").count(), 1);
  });
});

test("the method that is pointed at stands out", async () => {
  await open("diverging", {}, async (page) => {
    const bright = () => figure(page, "training loss").locator(".chart").evaluate(({ uplot }) =>
      uplot.series.slice(1).filter(({ alpha }) => alpha === 1).map(({ label }) => label));
    await page.locator("#problem-1 .methods label", { hasText: /^NLS$/ }).hover();
    assert.deepEqual(await bright(), ["NLS"]);
    await page.mouse.move(0, 0);
    assert.equal((await bright()).length, 4);
    await page.locator("#problem-1 .methods").getByLabel("LS", { exact: true }).focus();
    assert.deepEqual(await bright(), ["LS"]);
  });
});

test("the gradient norm under the pointer is named, and the table's last one is the last", async () => {
  await open("diverging", {}, async (page) => {
    await page.locator("#problem-1 details.early > summary").click();
    const run = page.locator("#problem-1 .of-run[data-method='GD 0.1']");
    const norms = run.locator("figure", { hasText: "gradient norm at every parameter" });
    await norms.locator("canvas").waitFor();
    await norms.scrollIntoViewIfNeeded();
    const chart = norms.locator(".chart");
    const { x, y, width } = await chart.locator(".u-over").boundingBox();
    const [name, up] = await chart.evaluate(({ uplot }) => [uplot.series[2].label, uplot.valToPos(uplot.data[2][0], "y")]);
    await page.mouse.move(x + 2, y + up);
    await page.waitForFunction((element) => element.textContent.startsWith("iteration"), await norms.locator(".chart ~ .values").elementHandle());
    assert.match(await norms.locator(".chart ~ .values").innerText(), new RegExp(`^iteration 0:\\s+${name} \\S+$`));
    assert.deepEqual(await chart.evaluate(({ uplot }) => uplot.series.slice(1).filter(({ alpha }) => alpha === 1).map(({ label }) => label)), [name]);
    await page.mouse.move(x + width / 2, 0);
    assert.ok(await chart.evaluate(({ uplot }) => uplot.series.every(({ alpha = 1 }) => alpha === 1)));
    await run.locator("details.norms > summary").click();
    assert.equal(await run.locator("details.norms tbody tr").last().locator("td").last().innerText(), "not finite");
  });
});

for (const colorScheme of ["light", "dark"]) {
  test(`curves can be told from the background, and axes have labels: ${colorScheme}`, async () => {
    await open("diverging", { colorScheme }, async (page) => {
      const contrasts = await page.locator("#problem-1 .panels .chart").first().evaluate(({ uplot }) => {
        const back = getComputedStyle(document.documentElement).getPropertyValue("--back").trim();
        return uplot.series.slice(1).map(({ label, stroke }) => [label, flatland.drawing.contrast(stroke(), back)]);
      });
      assert.deepEqual(contrasts.filter(([, contrast]) => !(contrast >= 3)), []);
      const keys = await page.locator("#problem-1 .methods label svg").evaluateAll((all) => all.map((svg) => getComputedStyle(svg).color));
      const strokes = await page.locator("#problem-1 .panels .chart").first().evaluate(({ uplot }) => uplot.series.slice(1).map(({ stroke }) => stroke()));
      const hex = (rgb) => `#${rgb.match(/\d+/g).slice(0, 3).map((value) => Number(value).toString(16).padStart(2, "0")).join("")}`;
      assert.deepEqual(keys.map(hex), strokes.map((stroke) => stroke.toLowerCase()));
      const labels = await page.locator("#problem-1 .panels .chart").evaluateAll((charts) => charts.map(({ uplot }) => uplot.axes[1]._values.filter(Boolean).length));
      assert.ok(labels.every((count) => count >= 3 && count <= 8), String(labels));
    });
  });
}
