// Takes the README's pictures, desktop.png and phone.png, of a page that `experiments report` wrote:
//   SCREENSHOTS=results/reference/page REPORT=results/quick/report.html node experiments/tests/browser/shots.mjs
import assert from "node:assert/strict";
import { join } from "node:path";
import { launch, openIn } from "./browser.mjs";

const { REPORT, SCREENSHOTS } = process.env;
assert.ok(REPORT && SCREENSHOTS, "REPORT is the page to take pictures of, SCREENSHOTS the folder to leave them in: give both");
const browser = await launch();
// Tall enough that what the picture shows is in sight, and drawn: from the top of the page to the foot of the fourth panel.
await openIn(browser, REPORT, { viewport: { width: 1280, height: 2400 }, colorScheme: "light" }, async (page) => {
  await page.waitForSelector("#problem-1 .panels canvas");
  const { y, height } = await page.locator("#problem-1 .panels figure").nth(3).boundingBox();
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(SCREENSHOTS, "desktop.png"), clip: { x: 0, y: 0, width: 1280, height: Math.ceil(y + height + 12) } });
});
// A telephone's window, at the first problem.
await openIn(browser, REPORT, { viewport: { width: 390, height: 844 }, colorScheme: "light" }, async (page) => {
  await page.locator("#problem-1").evaluate((section) => section.scrollIntoView());
  await page.waitForSelector("#problem-1 .panels canvas");
  await page.locator("#problem-1").evaluate((section) => section.scrollIntoView());
  await page.waitForTimeout(200);
  await page.screenshot({ path: join(SCREENSHOTS, "phone.png") });
});
await browser.close();
