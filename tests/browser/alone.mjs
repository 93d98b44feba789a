// One server: charts move, events appear, keys are found, changed and deleted; without a mouse, on a phone, in the dark.

import { findings, goTo, run, visit } from "./visit.mjs";

const [url] = process.argv.slice(2);

async function charts(page) {
  const drawing = () => page.locator('[data-chart="operations"] canvas').evaluate((canvas) => canvas.toDataURL());
  const before = await drawing();
  const end = Date.now() + 1500;
  while (Date.now() < end) await run(url, ...Array.from({ length: 500 }, (_, number) => ["SET", `load:${number}`, "x".repeat(50)]));
  const figure = page.locator('[data-chart="operations"] b');
  await page.waitForFunction((one) => /[1-9]\d{2}|k/.test(one.textContent), await figure.elementHandle());
  await page.waitForTimeout(300);
  return { operations: await figure.textContent(), moved: before !== (await drawing()) };
}

async function events(page) {
  await goTo(page, "events");
  await page.getByText(/^live/).waitFor();
  await run(url, ["SET", "seen:1", "a"], ["SET", "other:1", "a"]);
  await page.locator("#stream").getByText("seen:1").waitFor();
  await page.locator("#event-pattern").fill("seen:*");
  await page.locator("#event-pattern").press("Enter");
  await page.locator("#clear").click();
  await page.waitForTimeout(300);
  await run(url, ["SET", "other:2", "a"], ["SET", "seen:2", "a"]);
  await page.locator("#stream").getByText("seen:2").waitFor();
  const filtered = await page.locator("#stream tbody tr").count();
  await page.locator("#pause").click();
  await run(url, ["SET", "seen:3", "a"]);
  await page.getByText(/paused · \d+ seen/).waitFor();
  await page.waitForTimeout(600);
  const whilePaused = await page.locator("#stream").getByText("seen:3").count();
  const readersWhilePaused = await readers();
  await page.locator("#pause").click();
  await page.getByText(/^live/).waitFor();
  await run(url, ["DEL", "seen:3"]);
  await page.locator("#stream .deleted").waitFor();
  return { filtered, whilePaused, readersWhilePaused };
}

/** How many follow the stream of events. */
async function readers() {
  const metrics = await (await fetch(new URL("/metrics", url))).text();
  return Number(/^respcache_http_readers\{way="stream"\} (.*)$/m.exec(metrics)[1]);
}

async function strings(page) {
  await run(url, ["SET", "user:42", "Ada", "EX", "1000"], ["SET", "user:421", "Grace"]);
  await page.locator("#pattern").fill("user:42");
  await page.locator("#pattern").press("Enter");
  await page.locator("#found").getByRole("button", { name: "user:421" }).waitFor();
  const found = await page.locator("#found tbody button").allTextContents();
  await page.locator("#found").getByRole("button", { name: "user:42", exact: true }).click();
  const dialog = page.locator("#key-dialog");
  await dialog.getByLabel("Value").fill("Ada Lovelace");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Saved.").waitFor();
  const [saved, life] = await run(url, ["GET", "user:42"], ["TTL", "user:42"]);
  await dialog.getByLabel("Seconds to live").fill("");
  await dialog.getByRole("button", { name: "Set", exact: true }).click();
  await dialog.getByText("It lives for ever.").waitFor();
  const [forEver] = await run(url, ["TTL", "user:42"]);
  const serious = await findings(page);
  await dialog.getByRole("button", { name: "Delete key" }).click();
  await page.locator("#confirm").getByRole("button", { name: "Cancel" }).click();
  const [kept] = await run(url, ["EXISTS", "user:42"]);
  await dialog.getByRole("button", { name: "Delete key" }).click();
  await page.locator("#confirm").getByRole("button", { name: "Delete" }).click();
  await dialog.waitFor({ state: "hidden" });
  const [left] = await run(url, ["EXISTS", "user:42"]);
  return { found, saved, kept_its_life: life > 900, forEver, kept, left, serious };
}

async function hashes(page) {
  await run(url, ["HSET", "profile", "name", "Ada", "born", "1815"]);
  await page.locator("#pattern").fill("profile");
  await page.locator("#type").selectOption("hash");
  await page.locator("#found").getByRole("button", { name: "profile" }).click();
  const dialog = page.locator("#key-dialog");
  await dialog.getByRole("button", { name: "Edit name" }).click();
  await dialog.locator("#field-value").fill("Ada Lovelace");
  await dialog.getByRole("button", { name: "Save field" }).click();
  await dialog.getByRole("cell", { name: "Ada Lovelace" }).waitFor();
  await dialog.getByRole("button", { name: "Remove born" }).click();
  await page.locator("#confirm").getByRole("button", { name: "Remove" }).click();
  await dialog.getByRole("cell", { name: "1815" }).waitFor({ state: "detached" });
  const [fields] = await run(url, ["HGETALL", "profile"]);
  await page.locator("#key-close").click();
  return { fields };
}

async function withoutMouse(page) {
  await page.goto(url);
  await run(url, ["SET", "typed", "1"]);
  const focus = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());
  await page.keyboard.press("Tab");
  const first = await focus();
  await page.keyboard.press("Enter");
  const skipped = await focus();
  const trail = [];
  while (trail.at(-1) !== "pattern" && trail.length < 15) {
    await page.keyboard.press("Tab");
    trail.push(await focus());
  }
  await page.keyboard.type("typed");
  await page.keyboard.press("Enter");
  await page.locator("#found").getByRole("button", { name: "typed" }).waitFor();
  while ((await focus()) !== "typed" && trail.length < 30) {
    await page.keyboard.press("Tab");
    trail.push(await focus());
  }
  await page.keyboard.press("Enter");
  await page.locator("#key-dialog").getByLabel("Value").waitFor();
  await page.keyboard.press("Escape");
  await page.locator("#key-dialog").waitFor({ state: "hidden" });
  return { first, skipped, searched: trail.includes("pattern"), returned: await focus() };
}

async function readOnly(page) {
  await run(url, ["SET", "looked-at", "1"]);
  await run(url, ["CONFIG", "SET", "http-read-only", "yes"]);
  await page.locator("#read-only").waitFor();
  await page.locator("#pattern").fill("looked-at");
  await page.locator("#pattern").press("Enter");
  await page.locator("#found").getByRole("button", { name: "looked-at" }).click();
  const area = page.locator("#key-dialog").getByLabel("Value");
  await area.waitFor();
  const offered = await page.locator("#key-dialog").getByRole("button").allTextContents();
  const [refused] = await run(url, ["SET", "looked-at", "2"]);
  return { offered: offered.map((one) => one.trim()), editable: await area.isEditable(), refused };
}

/** What the page makes of a cluster of twenty, which a server that is alone is said to be part of. */
async function twenty(open) {
  const page = await open();
  const ids = Array.from({ length: 20 }, (_, number) => `${number}`.padStart(40, "0"));
  const states = ["alive", "alive", "alive", "suspect", "dead"];
  await page.route("**/v1/status", async (route) => {
    const response = await route.fetch();
    const members = ids.map((id, number) => ({ id, address: `10.0.0.${number + 1}:6379`, state: states[number % 5], phase: "active", is_self: number === 0, partitions: 51 }));
    const figures = { view_version: 1, partitions_moving: 64, partitions_degraded: 0 };
    await route.fulfill({ response, json: { ...(await response.json()), cluster: { name: "twenty", id: ids[0], is_ok: true, figures, members } } });
  });
  const kinds = ["safe", "safe", "moving", "degraded"];
  const rows = Array.from({ length: 1024 }, (_, number) => ({ first: number, last: number, state: kinds[number % 4], epoch: 1, keys: 10, server: number % 20, wanted: [number % 20], copies: [] }));
  await page.route("**/v1/partitions", (route) => route.fulfill({ json: { scope: "cluster", members: ids, rows: rows.filter((row) => row.server % 5 !== 4) } }));
  await page.goto(url);
  await page.locator("#members tbody tr").nth(19).waitFor();
  const told = await page.locator("#cluster-note").textContent();
  const [gone, labels, moving, unserved] = await Promise.all([".arc.gone", "text.name", ".arc.moving"].map((one) => page.locator(`#ring ${one}`).count()).concat(page.locator("#map .unserved").count()));
  await page.setViewportSize({ width: 360, height: 740 });
  await page.waitForTimeout(200);
  return { told, gone, labels, moving, unserved, width: await page.evaluate(() => document.documentElement.scrollWidth), serious: await findings(page, "color-contrast") };
}

await visit(async (open) => {
  const page = await open({ colorScheme: "light" });
  await page.goto(url);
  await page.getByText("serving", { exact: true }).waitFor();
  const result = { charts: await charts(page), events: await events(page), strings: await strings(page), hashes: await hashes(page) };
  await page.locator("#clear").click();
  result.light = await findings(page);
  await page.locator("#theme").click();
  await page.locator("#theme").click();
  result.theme = await page.evaluate(() => document.documentElement.dataset.theme);
  result.dark = await findings(page, "color-contrast");
  result.withoutMouse = await withoutMouse(page);
  await page.setViewportSize({ width: 360, height: 740 });
  await page.waitForTimeout(200);
  result.phone = { width: await page.evaluate(() => document.documentElement.scrollWidth) };
  result.twenty = await twenty(open);
  result.readOnly = await readOnly(page);
  return result;
});
