// The page: asks the server each second how it is, and hands what it says to the parts. A page that nobody sees asks nothing.

import * as charts from "./charts.js";
import * as events from "./events.js";
import * as keys from "./keys.js";
import * as members from "./members.js";
import { ask, byId, bytes, clockTime, count, fillFacts, fillTable, make, micros, say, seldom, span, text, whole } from "./ui.js";

const EVERY_MS = 1000;
const PARTITIONS_EVERY = 3; // seconds, while nothing moves and everybody is there
const CLIENTS_EVERY = 3;

const THEMES = ["system", "light", "dark"];

let round = 0;
let isAsking = false;
let wasDown = false;
let slowSeen = "";
let lastSigns = "";

// -- theme -----------------------------------------------------------------------

function startTheme() {
  const button = byId("theme");
  const show = (theme) => {
    button.textContent = `Theme: ${theme}`;
  };
  show(localStorage.getItem("respcache-theme") ?? "system");
  button.addEventListener("click", () => {
    const now = localStorage.getItem("respcache-theme") ?? "system";
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
    localStorage.setItem("respcache-theme", next);
    dispatchEvent(new Event("theme")); // theme.js applies it
    show(next);
    charts.rebuild();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", charts.rebuild);
}

// -- status ----------------------------------------------------------------------

async function look() {
  if (isAsking || document.hidden) return;
  isAsking = true;
  try {
    const status = await ask("/v1/status");
    if (wasDown) await charts.reload();
    showStatus(status);
    if (status.cluster && (isRestless(status.cluster) || round % PARTITIONS_EVERY === 0)) members.take(status.cluster, await ask("/v1/partitions"));
    if (round % CLIENTS_EVERY === 0) showClients(await ask("/v1/clients"), status);
    round += 1;
    wasDown = false;
    byId("outage").hidden = true;
  } catch {
    wasDown = true;
    round = 0;
    byId("outage").hidden = false;
    pill("no answer", "bad");
  } finally {
    isAsking = false;
  }
}

/** Whether partitions may be on their way: a member has come or gone, or something is not as it shall be. */
function isRestless({ figures, members }) {
  const signs = `${figures.view_version} ${members.map((one) => `${one.id} ${one.state}`)}`;
  const isNew = signs !== lastSigns;
  lastSigns = signs;
  return isNew || figures.partitions_moving > 0 || figures.partitions_degraded > 0;
}

const lookSoon = seldom(() => {
  round = 0;
  look();
}, 200);

function pill(words, look) {
  say(byId("health"), words);
  byId("health").className = `pill ${look}`;
}

function showStatus(status) {
  const { node, cluster, memory, totals } = status;
  for (const one of document.querySelectorAll("[data-clustered]")) one.hidden = !cluster;
  byId("scope").hidden = !cluster;
  document.title = `${node.name} · respcache`;
  const stored = status.databases.reduce((sum, db) => sum + db.keys, 0);
  const limit = memory.max_bytes ? ` of ${bytes(memory.max_bytes)}, ${memory.policy}` : ", no limit";
  say(byId("identity"), `${node.name} · port ${node.port} · up ${span(node.uptime_s)} · ${count(stored)} keys in ${bytes(memory.used_bytes)}${limit} · ${count(totals.operations)} operations so far`);
  showHealth(cluster);
  charts.take(status.now);
  keys.allowWrites(!node.read_only);
  showOwners(status.owners);
  showLoaders(status.loaders);
  showSlow(status.slow_commands);
}

function showHealth(cluster) {
  if (!cluster) return pill("serving", "good");
  const { partitions_degraded: degraded, partitions_moving: moving } = cluster.figures;
  const dead = cluster.members.some((member) => member.state === "dead" || member.state === "suspect");
  if (!cluster.is_ok) pill("refusing", "bad");
  else if (dead || degraded) pill("degraded", "warn");
  else if (moving) pill("moving", "warn");
  else pill("serving", "good");
}

function showOwners(owners) {
  fillFacts(byId("owners"), {
    "Busy now": whole(owners.awake),
    "Longest queue": whole(owners.longest_mailbox),
    "Longest wait": micros(owners.longest_wait_ms * 1000),
    "Woken so far": count(owners.woken_total),
    Refused: count(owners.refused_total),
    Crashed: count(owners.crashed_total),
  });
  byId("owner-keys").replaceChildren(...owners.keys.map((key) => make("li", {}, text(key))));
}

function showLoaders(loaders) {
  const rows = loaders.map((one) => [
    make("span", {}, one.name, make("small", {}, ` ${one.pattern}`)),
    make("span", { class: `state ${one.breaker === "closed" ? "alive" : "dead"}`, title: one.last_failure }, one.state),
    count(one.totals.loaded),
    count(one.totals.failed),
    count(one.now.waiting ?? one.now.queued ?? 0),
  ]);
  fillTable(byId("loaders"), rows, "There are none: keys that are missing stay missing.");
}

function showSlow(slow) {
  const newest = `${slow.kept} ${slow.last[0]?.id}`;
  if (newest === slowSeen) return;
  slowSeen = newest;
  const rows = slow.last.map((one) => [
    clockTime(one.at_s * 1000),
    micros(one.took_us),
    make("code", {}, one.words.map(text).join(" ").slice(0, 200)),
    one.client_name ? text(one.client_name) : text(one.client),
  ]);
  fillTable(byId("slow"), rows, slow.threshold_us < 0 ? "The slow log is off." : `None took longer than ${micros(slow.threshold_us)}.`);
}

function showClients(listing, status) {
  const { connected, most, http } = status.clients;
  const shown = listing.clients.length < connected ? `, the newest ${listing.clients.length} shown` : "";
  say(byId("clients-note"), `${whole(connected)} of ${whole(most)}${shown} · ${whole(http)} over HTTP`);
  const rows = listing.clients.map((one) => [
    one.address,
    text(one.name) || text(one.library),
    one.last_command === "NULL" ? "" : one.last_command,
    span(one.idle_s),
    span(one.age_s),
    bytes(one.input_bytes),
    bytes(one.output_bytes),
  ]);
  fillTable(byId("client-list"), rows, "Nobody is connected to the Redis port.");
}

// -- begin -----------------------------------------------------------------------

startTheme();
charts.start();
members.start();
keys.start();
events.start(lookSoon);
charts.reload().catch(() => {});
look();
setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  charts.reload().catch(() => {});
  look();
});
