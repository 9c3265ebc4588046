// Opens the page of `experiments serve` in headless Chromium while its records grow. PROGRAM and CHROMIUM as in report.mjs;
// SCREENSHOTS: a folder to leave a picture in.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";
import { makeRuns } from "./results.mjs";

const { PROGRAM, SCREENSHOTS } = process.env;
assert.ok(PROGRAM, "PROGRAM is not set: the path of the program `experiments`");
const folder = mkdtempSync(join(tmpdir(), "flatland-serve-"));
const results = join(folder, "results");
let browser, made, server, address;

before(async () => {
  made = makeRuns(PROGRAM, folder);
  server = spawn(PROGRAM, ["serve", results, "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await new Promise((resolve) => createInterface(server.stdout).once("line", (...line) => resolve(line)));
  [address] = line.match(/http:\S+/);
  browser = await launch();
});
after(async () => {
  server?.kill();
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Puts the run of a method among those that are served, as if it had come to its eighth iteration; the way to its rows. */
const begin = (method, name = method, change = (config) => config) => {
  const original = readdirSync(made).find((run) => run.includes(`-mlp-${method}-42-`) && !run.endsWith(".svg") &&
    readFileSync(join(made, run, "config.toml"), "utf8").includes('loss = "mse"'));
  const run = join(folder, name);
  cpSync(join(made, original), run, { recursive: true });
  const edit = (file, how) => writeFileSync(join(run, file), how(readFileSync(join(run, file), "utf8")));
  edit("config.toml", change);
  edit("run.json", (text) => text.replace('"done"', '"running"').replace('"owner"', '"no owner"'));
  const rows = readFileSync(join(run, "metrics.csv"), "utf8").trim().split("\n");
  edit("metrics.csv", () => rows.slice(0, 9).join("\n") + "\n");
  // All at once: a reader that sees half of it is told so, which is not what is tested here.
  mkdirSync(results, { recursive: true });
  renameSync(run, join(results, name));
  return { rows, append: (row) => appendFileSync(join(results, name, "metrics.csv"), `${rows[row + 1]}\n`) };
};

test("new rows and problems arrive, and what the reader has chosen stays", async () => {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => request.url().startsWith(address) || /^data:/.test(request.url()) || complaints.push(request.url()));
  await page.goto(address);
  assert.match(await page.locator("p").first().innerText(), /cannot read the folder/);

  begin("ls");
  const nls = begin("nls");
  // The page that waits has become the page of the runs.
  await page.waitForSelector("#table tbody tr >> nth=1");
  const key = await page.locator(".problem").getAttribute("data-key");
  const problem = page.locator(`.problem[data-key="${key}"]`);
  await problem.scrollIntoViewIfNeeded();
  await problem.locator(".panels canvas").nth(4).waitFor();
  /** Where a method's loss ends, whether it is shown, and what the axes are. */
  const state = (method) => problem.locator(".panels .chart").first().evaluate(({ uplot }, method) => {
    const index = uplot.series.findIndex((series) => series.label === method);
    const last = uplot.data[index].findLastIndex((value) => value != null);
    const { x, y } = uplot.scales;
    return { last: [uplot.data[0][last], uplot.data[index][last]], isShown: uplot.series[index].show, x: [x.min, x.max], distr: y.distr };
  }, method);
  assert.equal((await state("NLS")).last[0], 7);

  await page.locator("#table thead button", { hasText: "method" }).click();
  await page.locator("#table thead button", { hasText: "method" }).click();
  await page.getByLabel("Network", { exact: true }).selectOption("mlp");
  await problem.locator(".methods").getByLabel("LS", { exact: true }).uncheck();
  const loss = problem.locator(".panels figure").first();
  await loss.getByRole("button", { name: "linear" }).click();
  await loss.locator(".chart").focus();
  for (const press of ["ArrowLeft", "+", "+"]) await page.keyboard.press(press);
  await page.locator("details.run > summary").first().evaluate((summary) => summary.click());
  const chosen = await state("LS");
  assert.ok(!chosen.isShown && chosen.distr === 1 && chosen.x[1] - chosen.x[0] < 4);
  const place = () => loss.evaluate((figure) => Math.round(figure.getBoundingClientRect().top));
  const before = await place();

  const arrived = (iteration) => page.waitForFunction(([key, iteration]) => {
    const { uplot } = document.querySelector(`.problem[data-key="${key}"] .panels .chart`);
    const index = uplot.series.findIndex((series) => series.label === "NLS");
    return uplot.data[0][uplot.data[index].findLastIndex((value) => value != null)] === iteration;
  }, [key, iteration], { timeout: 60_000 });
  const stays = async () => {
    const { isShown, distr, x } = await state("LS");
    assert.deepEqual({ isShown, distr, x }, { isShown: false, distr: 1, x: chosen.x });
    assert.ok(!(await problem.locator(".methods").getByLabel("LS", { exact: true }).isChecked()));
    assert.deepEqual((await page.locator("#table tbody tr:visible th").allInnerTexts()).slice(0, 2), ["NLS", "LS"]);
    assert.equal(await page.getByLabel("Network", { exact: true }).inputValue(), "mlp");
    assert.equal(await page.locator("details.run[open]").count(), 1);
    assert.ok(await loss.locator(".chart").evaluate((chart) => chart === document.activeElement), "the focus");
    assert.ok(Math.abs((await place()) - before) <= 2, "the place on the page");
  };
  nls.append(8);
  await arrived(8);
  const written = Number(nls.rows[9].split(",")[1]);
  assert.ok(Math.abs((await state("NLS")).last[1] / written - 1) < 1e-4);
  await stays();

  // A problem that comes before the one that is looked at.
  begin("ls", "a-first", (config) => config.replace('"fashion-mnist"', '"emnist"'));
  await page.waitForFunction(() => document.querySelectorAll(".problem").length === 2, null, { timeout: 60_000 });
  assert.equal(await problem.getAttribute("id"), "problem-2");
  await stays();
  assert.deepEqual(await page.locator("#filter-dataset option").allInnerTexts(), ["all", "fashion-mnist", "emnist"]);
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, "serve.png") });

  // Folders that cannot be read are named as they come and go.
  const leftOut = (count) => page.waitForFunction((count) => document.querySelectorAll("#left-out li").length === count, count, { timeout: 60_000 });
  for (const count of [1, 2]) {
    cpSync(join(made, "damaged"), join(results, `damaged-${count}`), { recursive: true });
    await leftOut(count);
    assert.equal(await page.locator("#left-out summary").innerText(), `${count} left out`);
  }
  await page.locator("#left-out summary").evaluate((summary) => summary.click());
  rmSync(join(results, "damaged-1"), { recursive: true });
  await leftOut(1);
  assert.ok(!(await page.locator("#left-out").evaluate((details) => details.open)), "what the reader has folded stays so");
  assert.match(await page.locator("#left-out li").textContent(), /damaged-2/);
  rmSync(join(results, "damaged-2"), { recursive: true });
  await leftOut(0);
  assert.equal(await page.locator("#left-out").count(), 0);

  // Nothing moves for a reader who does not want it to.
  await page.getByLabel("Show new records as they come").uncheck();
  nls.append(9);
  await page.waitForFunction(() => document.querySelector("#follow output").value === "there is more than is shown", null, { timeout: 60_000 });
  assert.equal((await state("NLS")).last[0], 8);
  await page.getByLabel("Show new records as they come").check();
  await arrived(9);
  assert.deepEqual(complaints, []);
  server.kill();
  await page.waitForFunction(() => document.querySelector("#follow output").value.startsWith("nobody answers"), null, { timeout: 60_000 });
});
