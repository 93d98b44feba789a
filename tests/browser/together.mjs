// Three nodes: the page of one shows all, and when another is killed it turns red, and its partitions go to those who are left.

import { findings, goTo, picture, run, visit } from "./visit.mjs";

const [url, victim, victimPid, pictures] = process.argv.slice(2);

const shares = (page) =>
  page.locator("#members tbody tr").evaluateAll((rows) => rows.map((row) => [row.cells[0].innerText.split(/\s/)[0], row.cells[1].innerText, Number(row.cells[2].innerText.replace(",", ""))]));

async function fill() {
  await run(url, ...Array.from({ length: 3000 }, (_, number) => ["SET", `user:${number}:session`, "x".repeat(number % 90), "EX", 600 + number]));
  await run(url, ...Array.from({ length: 40 }, (_, number) => ["HSET", `cart:${number}`, "sku", `A-${number}`, "count", number]));
}

/** For a picture: a load that goes up and down, and what it looks like meanwhile. */
async function pictureUnderLoad(page) {
  const begun = Date.now();
  const end = begun + 40_000;
  let isTaken = false;
  while (Date.now() < end) {
    const some = 20 + Math.round(180 * Math.abs(Math.sin(Date.now() / 4000)));
    const reads = Array.from({ length: some }, () => ["GET", `user:${Math.floor(Math.random() * 3300)}:session`]);
    await run(url, ...reads, ["SET", `visit:${Date.now()}`, "x", "PX", 300 + some]);
    if (!isTaken && Date.now() > begun + 36_000) {
      isTaken = true;
      await picture(page, "dashboard-light");
    }
  }
}

await visit(async (open) => {
  const page = await open({ colorScheme: "light" });
  await page.goto(url);
  await page.getByText("every partition is safe").waitFor();
  const before = await shares(page);
  const serious = await findings(page);
  await fill();
  if (pictures) await pictureUnderLoad(page);
  await goTo(page, "cluster");

  await page.locator("#map").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  const chosen = await page.locator("#map-note").textContent();

  process.kill(Number(victimPid), "SIGKILL");
  const row = page.locator("#members tbody tr", { hasText: victim });
  await row.locator('[data-state="dead"]').waitFor();
  const colour = await page.evaluate((name) => {
    const shown = [...document.querySelectorAll("#members tbody tr")].find((one) => one.innerText.includes(name));
    return getComputedStyle(shown.querySelector(".swatch")).backgroundColor;
  }, victim);
  await page.waitForFunction((name) => [...document.querySelectorAll("#members tbody tr")].some((one) => one.innerText.includes(name) && one.cells[2].innerText === "0"), victim);
  await page.getByText("1,024").first().waitFor();
  const after = await shares(page);
  const unserved = await page.locator("#map .unserved").count();
  const arcs = await page.locator("#ring .arc.gone").count();

  const dark = await open({ colorScheme: "dark" });
  await dark.goto(url);
  await dark.getByText("members").first().waitFor();
  await dark.waitForTimeout(pictures ? 2500 : 0);
  if (pictures) {
    await goTo(dark, "cluster");
    await picture(dark, "dashboard-dark");
    const phone = await open({ colorScheme: "light", viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true });
    await phone.goto(url);
    await phone.waitForTimeout(2500);
    await picture(phone, "dashboard-phone");
  }
  await dark.setViewportSize({ width: 360, height: 740 });
  await dark.waitForTimeout(300);
  const width = await dark.evaluate(() => document.documentElement.scrollWidth);
  return { before, after, chosen, colour, unserved, arcs, width, serious: [...serious, ...(await findings(dark))] };
});
