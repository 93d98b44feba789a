// What all visits share: a browser, a page that notes whatever goes wrong, and axe's opinion of it.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const PATIENCE_MS = 10_000;

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Run a visit, and print what it returns as JSON; what has gone wrong in the page is told with it. */
export async function visit(act, options = {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const troubles = [];
    const open = (more = {}) => openPage(browser, { ...options, ...more }, troubles);
    const result = await act(open);
    console.log(JSON.stringify({ ...result, troubles }));
  } finally {
    await browser.close();
  }
}

async function openPage(browser, options, troubles) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(`${error}`));
  page.on("request", (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== "127.0.0.1") troubles.push(`asked ${request.url()}`);
  });
  return page;
}

/** Return what axe-core finds serious or critical, by all of its rules or by some. */
export async function findings(page, ...rules) {
  await page.evaluate(axe);
  const options = { resultTypes: ["violations"], ...(rules.length && { runOnly: rules }) };
  const { violations } = await page.evaluate((wanted) => globalThis.axe.run(document, wanted), options);
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

/** Run commands on the server, not through the page. */
export async function run(url, ...commands) {
  const response = await fetch(new URL("/v1/batch", url), { method: "POST", body: JSON.stringify(commands) });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()).map(({ result, error }) => error ?? result);
}

/** Save a picture, where pictures are wanted. */
export async function picture(page, name, options = {}) {
  if (process.env.RESPCACHE_PICTURES) await page.screenshot({ path: `${process.env.RESPCACHE_PICTURES}/${name}.png`, ...options });
}

/** Show a section as somebody does who goes there. */
export async function goTo(page, section) {
  await page.evaluate((id) => document.getElementById(id).scrollIntoView({ behavior: "instant" }), section);
}
