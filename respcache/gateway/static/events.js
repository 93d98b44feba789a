// What happens, as it happens, from /v1/events. However much that is, the page shows the last of it four times a second.
// Telling of every write costs the server something, so the stream is open only while the events can be seen, and not while they are paused.

import { byId, clockTime, make, say, whole } from "./ui.js";

const SHOWN = 200;
const EVERY_MS = 250;
const RETRY_MS = 2000;
const GLANCE_MS = 800; // who scrolls past, or sees the page build up, does not look at events yet

const DETAILS = new Set(["kind", "at_ms", "node", "key", "db"]);

let source = null;
let isPaused = false;
let fresh = [];
let total = 0;
let retry = 0;
let isInSight = false;
let glance = 0;
let onClusterEvent = () => {};

export function start(tellOfCluster) {
  onClusterEvent = tellOfCluster;
  byId("kinds").addEventListener("change", openAnew);
  byId("event-pattern").addEventListener("change", openAnew);
  byId("events-form").addEventListener("submit", (event) => {
    event.preventDefault();
    openAnew();
  });
  byId("clear").addEventListener("click", () => {
    total = 0;
    byId("stream").tBodies[0].replaceChildren();
    tell();
  });
  byId("pause").addEventListener("click", togglePause);
  setInterval(show, EVERY_MS);
  new IntersectionObserver(([seen]) => {
    isInSight = seen.isIntersecting;
    followIfSeen();
  }).observe(byId("events"));
  document.addEventListener("visibilitychange", () => followIfSeen());
  tell();
}

function followIfSeen(afterMs = GLANCE_MS) {
  const isWanted = isInSight && !document.hidden && !isPaused;
  clearTimeout(glance);
  if (isWanted && !source) glance = setTimeout(open, afterMs);
  if (!isWanted) close();
}

function togglePause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  byId("pause").textContent = isPaused ? "Go on" : "Pause";
  show();
  followIfSeen(0);
  tell();
}

/** Follow the stream with another filter, if it is followed at all. */
function openAnew() {
  close();
  followIfSeen(0);
}

/** Follow the stream, with the filter of now. */
function open() {
  close();
  const wanted = new URLSearchParams();
  if (byId("kinds").value) wanted.set("kinds", byId("kinds").value);
  if (byId("event-pattern").value) wanted.set("match", byId("event-pattern").value);
  const opened = new EventSource(`/v1/events?${wanted}`);
  source = opened;
  opened.addEventListener("open", tell);
  opened.addEventListener("message", ({ data }) => {
    total += 1;
    // Texts only: of five thousand in a second, a few hundred are ever read.
    fresh.push(data);
    if (fresh.length > 4 * SHOWN) fresh = fresh.slice(-SHOWN);
    if (/^\{"kind":"(partition|died|left|joined|active|suspected|refuted|view)/.test(data)) onClusterEvent();
  });
  opened.addEventListener("gap", () => fresh.push('{"kind":"gap","reason":"events were missed"}'));
  opened.addEventListener("error", () => {
    tell();
    if (opened.readyState === EventSource.CLOSED && source === opened) retry = setTimeout(open, RETRY_MS);
  });
  tell();
}

function close() {
  clearTimeout(retry);
  source?.close();
  source = null;
  tell();
}

function tell() {
  const states = ["connecting …", "live", "cut off; trying again"];
  const state = isPaused ? "paused" : source ? states[source.readyState] : "not followed";
  say(byId("events-note"), `${state} · ${whole(total)} seen`);
}

function show() {
  if (!fresh.length) return;
  const rows = fresh.slice(-SHOWN).reverse().map((line) => row(JSON.parse(line)));
  fresh = [];
  const body = byId("stream").tBodies[0];
  body.prepend(...rows);
  while (body.rows.length > SHOWN) body.lastElementChild.remove();
  tell();
}

function row(event) {
  const rest = Object.entries(event).filter(([name, value]) => !DETAILS.has(name) && value !== null && value !== "");
  const details = rest.map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
  return make(
    "tr",
    {},
    make("td", {}, event.at_ms ? clockTime(event.at_ms) : ""),
    make("td", {}, make("span", { class: `kind ${event.kind}` }, event.kind)),
    make("td", {}, event.key === undefined ? "" : make("b", {}, event.key), event.key === undefined ? details : ` ${details}`),
    make("td", { class: "wide" }, event.node ?? ""),
  );
}
