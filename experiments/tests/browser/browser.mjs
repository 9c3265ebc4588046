// The browser that the tests and `shots.mjs` open pages with. CHROMIUM is its path (default /usr/bin/chromium).
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

export const launch = () =>
  // The sandbox needs what containers do not have; the page is our own.
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage"], timeout: 60_000 });

/** Opens a file, lets `use` use it, and sees that nothing complained and nothing was fetched. */
export const openIn = async (browser, file, options, use) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on("console", (message) => {
    // Advice on what this test does, not the page.
    if (!message.text().includes("willReadFrequently")) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(file|data):/.test(request.url())) complaints.push(`fetched ${request.url()}`);
  });
  await page.goto(pathToFileURL(file).href);
  await use(page);
  assert.deepEqual(complaints, []);
  await context.close();
};
