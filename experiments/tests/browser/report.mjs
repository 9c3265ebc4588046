// Opens pages of `experiments report` in headless Chromium. Curves and lines are looked for on the canvas where the CSV
// files have them. PROGRAM is the path of `experiments`, CHROMIUM that of the browser (default /usr/bin/chromium),
// SCREENSHOTS a folder to leave pictures in (default: none are left).
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, openIn } from "./browser.mjs";
import { makePaperSize, makeRuns } from "./results.mjs";

const { PROGRAM, SCREENSHOTS } = process.env;
assert.ok(PROGRAM, "PROGRAM is not set: the path of the program `experiments`");
const folder = mkdtempSync(join(tmpdir(), "flatland-report-"));
let runs, report, browser;

const write = (results, file) => {
  execFileSync(PROGRAM, ["report", results, "-o", file], { stdio: ["ignore", "pipe", "pipe"] });
  return file;
};

before(async () => {
  runs = makeRuns(PROGRAM, folder);
  report = write(runs, join(folder, "report.html"));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

const open = (options, use, file = report) => openIn(browser, file, options, use);

const rows = (page) => page.locator("#table tbody tr:visible");
/** The chart of a problem whose title starts so. */
const chart = (page, title, problem = "#problem-1") =>
  page.locator(`${problem} .panels figure`, { has: page.locator("figcaption span", { hasText: new RegExp(`^${title}`) }) }).locator(".chart");
const built = async (page) => {
  await page.locator("#problem-1").scrollIntoViewIfNeeded();
  await page.waitForSelector("#problem-1 .panels canvas");
};
const csv = (method, file) => {
  const isMse = (name) => !name.endsWith(".svg") && readFileSync(join(runs, name, "config.toml"), "utf8").includes('loss = "mse"');
  const run = readdirSync(runs).find((name) => name.includes(`-mlp-${method}-42-`) && isMse(name));
  const [header, ...lines] = readFileSync(join(runs, run, file), "utf8").trim().split("\n").map((line) => line.split(","));
  return lines.map((line) => Object.fromEntries(header.map((name, index) => [name, name === "parameter" ? line[index] : Number(line[index])])));
};
/** The section of the problem with mean squared error. */
const mse = async (page) => `#${await page.locator('.problem[data-loss="mse"]').getAttribute("id")}`;

test("the table sorts by every column, and what has no number stays last", async () => {
  await open({}, async (page) => {
    const column = (await page.locator("#table thead th").allInnerTexts()).findIndex((name) => name.startsWith("λ₁"));
    const header = page.locator("#table thead th").nth(column);
    const values = () => page.locator(`#table tbody tr td:nth-child(${column + 1})`).evaluateAll((cells) => cells.map((cell) => Number(cell.dataset.value)));
    const original = await values();
    const sign = () => header.getByRole("button").evaluate((button) => getComputedStyle(button, "::after").content);
    assert.match(await sign(), /↕/);
    for (const [direction, up, mark] of [["ascending", 1, /▲/], ["descending", -1, /▼/]]) {
      await header.getByRole("button").click();
      assert.equal(await header.getAttribute("aria-sort"), direction);
      assert.match(await sign(), mark);
      assert.deepEqual(await values(), [...original].sort((a, b) => up * (a - b)));
    }
    await page.locator("#table thead th button").nth(3).focus();
    await page.keyboard.press("Enter");
    const methods = await page.locator("#table tbody th").allInnerTexts();
    assert.deepEqual(methods, [...methods].sort((a, b) => a.localeCompare(b)));
    assert.notDeepEqual(await values(), original);
  });
});

test("filters hide rows and problems, and Clear filters brings them back", async () => {
  await open({}, async (page) => {
    assert.equal(await rows(page).count(), 12);
    await page.getByLabel("Method", { exact: true }).selectOption("NLS");
    assert.equal(await rows(page).count(), 2);
    await page.getByLabel("Loss", { exact: true }).selectOption("mse");
    assert.equal(await rows(page).count(), 1);
    assert.equal(await page.locator(".problem:visible").count(), 1);
    assert.equal(await page.locator("#count").innerText(), "1 of 12 rows");
    await page.getByRole("button", { name: "Clear filters" }).click();
    await page.waitForFunction(() => document.querySelectorAll("#table tbody tr:not([hidden])").length === 12);
    assert.equal(await page.locator(".problem:visible").count(), 2);
  });
});

/** Where the canvas has a pixel of a colour within so many pixels of a place that is computed here from the axes. */
const hasColor = (holder, places, rgb) =>
  holder.evaluate((element, { places, rgb }) => {
    const { uplot: u } = element;
    const context = u.ctx;
    const at = ([x, y]) => {
      const { min, max } = u.scales.x;
      const [low, high] = [Math.log(u.scales.y.min), Math.log(u.scales.y.max)];
      return [u.bbox.left + (u.bbox.width * (x - min)) / (max - min), u.bbox.top + (u.bbox.height * (high - Math.log(y))) / (high - low)];
    };
    return places.map((place) => {
      const [x, y] = at(place).map(Math.round);
      const { data } = context.getImageData(x - 2, y - 2, 5, 5);
      for (let pixel = 0; pixel < data.length; pixel += 4) {
        if (rgb.every((value, channel) => Math.abs(data[pixel + channel] - value) < 30)) return true;
      }
      return false;
    });
  }, { places, rgb });
const VERMILLION = [0xd5, 0x5e, 0x00];

test("curves and lines are where the CSV says", async () => {
  await open({}, async (page) => {
    await built(page);
    const problem = await mse(page);
    await page.locator(problem).scrollIntoViewIfNeeded();
    await page.waitForSelector(`${problem} .panels canvas`);
    // NLS alone, whose curve is solid.
    for (const box of await page.locator(`${problem} .methods input:not([value=NLS])`).all()) await box.uncheck();
    const panels = [
      ["training loss", "metrics.csv", (row) => [row.iteration, row.loss]],
      ["step size η", "metrics.csv", (row) => [row.iteration, row.step_size]],
      ["sharpness λ₁", "sharpness.csv", (row) => [row.iteration, row.sharpness]],
      ["sharpness × step", "sharpness.csv", (row) => [row.iteration, row.step_size_times_sharpness]],
    ];
    for (const [title, file, place] of panels) {
      const holder = chart(page, title, problem);
      // The first and the last point lie on the edge of the canvas' clip.
      const places = csv("nls", file).map(place).slice(1, -1);
      assert.ok(places.length >= 3, title);
      assert.deepEqual(await hasColor(holder, places, VERMILLION), places.map(() => true), title);
      const elsewhere = places.map(([x, y]) => [x, y * 1.3]);
      assert.ok((await hasColor(holder, elsewhere, VERMILLION)).filter(Boolean).length < places.length, `${title}: elsewhere`);
    }
    const label = await chart(page, "sharpness λ₁", problem).getAttribute("aria-label");
    assert.match(label, /line 2\/K = 0\.2 at 0\.2/);
    assert.match(await chart(page, "sharpness × step", problem).getAttribute("aria-label"), /line 1 − c = \S+ at .*line 2 at 2/);
    const faint = [0x5a, 0x60, 0x6b];
    const dashed = (y) => Array.from({ length: 12 }, (_, step) => [4 + step / 4, y]);
    for (const [title, y] of [["sharpness λ₁", 0.2], ["sharpness × step", 2]]) {
      assert.ok((await hasColor(chart(page, title, problem), dashed(y), faint)).filter(Boolean).length >= 4, `${title}: line at ${y}`);
    }
  });
});

test("a method can be switched off and on, in all panels", async () => {
  await open({}, async (page) => {
    await built(page);
    const problem = await mse(page);
    await page.locator(problem).scrollIntoViewIfNeeded();
    await page.waitForSelector(`${problem} .panels canvas`);
    const box = page.locator(`${problem} .methods`).getByLabel("NLS", { exact: true });
    const shown = () => page.locator(`${problem} .panels .chart`).evaluateAll((holders) =>
      holders.map(({ uplot }) => uplot.series.filter((series) => series.label === "NLS" && series.show).length));
    const places = csv("nls", "metrics.csv").map((row) => [row.iteration, row.loss]).slice(1, -1);
    for (const other of await page.locator(`${problem} .methods input:not([value=NLS])`).all()) await other.uncheck();
    assert.deepEqual(await shown(), [1, 1, 1, 1, 1]);
    await page.locator(`${problem} .methods`).getByLabel("LS", { exact: true }).check();
    await box.uncheck();
    assert.deepEqual(await shown(), [0, 0, 0, 0, 0]);
    assert.ok(!(await hasColor(chart(page, "training loss", problem), places, VERMILLION)).includes(true));
    await box.focus();
    await page.keyboard.press("Space");
    assert.deepEqual(await shown(), [1, 1, 1, 1, 1]);
  });
});

test("figures zoom and tell values by mouse and keyboard", async () => {
  await open({}, async (page) => {
    await built(page);
    const problem = await mse(page);
    await page.locator(problem).scrollIntoViewIfNeeded();
    await page.waitForSelector(`${problem} .panels canvas`);
    const holder = chart(page, "training loss", problem);
    const ranges = () => page.locator(`${problem} .panels .chart`).evaluateAll((holders) => holders.map(({ uplot }) => [uplot.scales.x.min, uplot.scales.x.max]));
    const whole = await ranges();
    assert.deepEqual(whole, whole.map(() => whole[0]), "all panels show the same iterations");
    const over = holder.locator(".u-over");
    await over.scrollIntoViewIfNeeded();
    const { x, y, width, height } = await over.boundingBox();
    // Iteration 6 of 12, whose losses the readout tells.
    const [first, last] = whole[0];
    const at = (iteration) => x + (width * (iteration - first)) / (last - first);
    await page.mouse.move(at(6), y + height / 2);
    const readout = holder.locator("xpath=following-sibling::*[@class='values']");
    const loss = csv("nls", "metrics.csv")[6].loss;
    await page.waitForFunction((element) => element.textContent.startsWith("iteration"), await readout.elementHandle());
    const told = (await readout.innerText()).match(/ NLS (\S+)/)[1];
    assert.ok(Math.abs(Number(told) / loss - 1) < 1e-3, `${told} and ${loss}`);
    await page.mouse.move(at(3), y + height / 2);
    await page.mouse.down();
    await page.mouse.move(at(9), y + height / 2, { steps: 5 });
    await page.mouse.up();
    for (const [low, high] of await ranges()) assert.ok(Math.abs(low - 3) < 0.2 && Math.abs(high - 9) < 0.2, `${low} to ${high}`);
    await page.mouse.dblclick(at(5), y + height / 2);
    assert.deepEqual(await ranges(), whole);
    await page.mouse.move(0, 0);
    await holder.focus();
    for (const press of ["ArrowRight", "+", "+"]) await page.keyboard.press(press);
    for (const [low, high] of await ranges()) assert.ok(high - low < (last - first) / 3, `${low} to ${high}`);
    assert.match(await readout.innerText(), /^iteration /);
    await page.keyboard.press("0");
    assert.deepEqual(await ranges(), whole);
    await page.keyboard.press("l");
    assert.equal(await holder.evaluate(({ uplot }) => uplot.scales.y.distr), 1);
  });
});

test("early phase, segments and spectra are drawn, claims and commands are there", async () => {
  await open({}, async (page) => {
    const problem = await mse(page);
    for (const [part, figures] of [["early", 6 * 4], ["segments", 6 * 2]]) {
      await page.locator(`${problem} details.${part} > summary`).click();
      await page.waitForSelector(`${problem} details.${part} canvas`);
      assert.ok((await page.locator(`${problem} details.${part} figure`).count()) >= figures, part);
    }
    const points = await page.locator(`${problem} details.early .chart`).first().evaluate(({ uplot }) =>
      ["#0072B2", "#D55E00"].map((color) => uplot.data.slice(1).filter((_, index) => uplot.series[index + 1].stroke() === color && uplot.series[index + 1].points.show())
        .flatMap((values) => [...values]).filter((value) => value > 0).length));
    const measured = csv("ls", "diagnostics.csv").flatMap((row) => Object.entries(row).filter(([name]) => /^eigenvalue_\d/.test(name)).map(([, value]) => value));
    const counts = [measured.filter((value) => value > 0).length, measured.filter((value) => value < 0).length];
    assert.ok(counts[1] > 0, "no eigenvalue is negative: this shows nothing");
    assert.deepEqual(points, counts, "filled and hollow ones");
    const norms = csv("ls", "gradient_norms.csv");
    const names = [...new Set(norms.map(({ parameter }) => parameter))];
    const curves = await page.locator(`${problem} details.early .chart`).nth(3).evaluate(({ uplot }) =>
      uplot.series.slice(1).map(({ label }, index) => [label, [...uplot.data[index + 1]]]));
    assert.deepEqual(curves.map(([name]) => name), names);
    for (const [name, values] of curves) {
      const expected = norms.filter(({ parameter }) => parameter === name).map(({ norm }) => Number(norm));
      values.forEach((value, index) => assert.ok(Math.abs(value / expected[index] - 1) < 1e-5, `${name}: ${value} for ${expected[index]}`));
    }
    await page.locator(`${problem} details.norms > summary`).first().click();
    assert.deepEqual(await page.locator(`${problem} details.norms`).first().locator("tbody th").allInnerTexts(), names);
    await page.locator("#densities").scrollIntoViewIfNeeded();
    await page.waitForSelector("#densities canvas");
    assert.equal(await page.locator(".claim").count(), 10);
    assert.equal(await page.locator(".run").count(), 12);
    assert.match(await page.locator(".run pre").first().textContent(), /cargo run --release -- run again\.toml/);
    assert.match(await page.locator("#left-out").innerText(), /damaged\/run\.json is no run file/s);
    const unnamed = await page.locator(".chart").evaluateAll((holders) => holders.filter((holder) => !holder.getAttribute("aria-label")).length);
    assert.equal(unnamed, 0);
  });
});

test("without JavaScript the tables are there", async () => {
  await open({ javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator("#table tbody tr").count(), 12);
    assert.ok(await page.locator("noscript").isVisible());
    assert.ok(await page.locator("#filters").isHidden());
  });
});

for (const [name, width, height, colorScheme] of [["desktop", 1280, 1420, "light"], ["phone", 390, 1500, "light"], ["dark", 1280, 1420, "dark"]]) {
  test(`nothing is wider than the window: ${name}`, async () => {
    await open({ viewport: { width, height }, colorScheme }, async (page) => {
      await page.locator("#problem-2").scrollIntoViewIfNeeded();
      await page.waitForSelector("#problem-2 .panels canvas");
      const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= window, `${content} in ${window}`);
      const [back, text] = await page.evaluate(() => {
        const style = getComputedStyle(document.body);
        return [style.backgroundColor, style.color].map((color) => Number(color.match(/\d+/)[0]));
      });
      assert.equal(back > text, colorScheme === "light");
      await page.evaluate(() => scrollTo(0, 0));
      if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `report-${name}.png`) });
    });
  });
}

test("the paper's grid, 120 runs of 5,000 iterations, opens in seconds", async () => {
  const large = join(folder, "large");
  makePaperSize(runs, large);
  const started = Date.now();
  const file = write(large, join(folder, "large.html"));
  const written = Date.now() - started;
  await open({}, async (page) => {
    await page.waitForSelector("#table");
    await page.locator("#problem-1").scrollIntoViewIfNeeded();
    await page.waitForSelector("#problem-1 .panels canvas");
    assert.equal(await page.locator("#table tbody tr").count(), 120);
    const [opened, runs] = await page.evaluate(() => [performance.getEntriesByType("navigation")[0].loadEventEnd, document.querySelectorAll(".run").length]);
    assert.equal(runs, 120);
    const megabytes = statSync(file).size / 1e6;
    console.log(`120 runs × 5,000 iterations: ${megabytes.toFixed(1)} MB, written in ${written} ms, opened in ${opened.toFixed(0)} ms`);
    assert.ok(megabytes < 8, `${megabytes} MB`);
    // A second is what it takes alone on a machine; this may be a busy one.
    assert.ok(opened < 5000, `${opened} ms`);
  }, file);
});
