// The cluster: its members on a ring, each with the share that it serves, and a map of the 1024 partitions.
// When a partition changes its server, a line runs from the one to the other.

import { byId, count, draw, fillTable, make, say, whole } from "./ui.js";

const PARTITIONS = 1024;
const COLUMNS = 64;
const OUTER = 118;
const INNER = 92;
const LABELS = 136;
const GAP = 0.025;
const LEAST_SHARE = 0.02; // of the ring, so that a member which serves nothing is seen as well
const MOST_LINES = 48;
const LINE_MS = 1400;
const GONE = new Set(["dead", "left"]);

let members = [];
let partitions = [];
let chosen = -1;

/** Hues as far apart as they can be, however many members there are; in the order of their addresses. */
const hue = (place) => Math.round((168 + place * 137.508) % 360);

const isGone = (member) => GONE.has(member.state);

export function start() {
  const cells = Array.from({ length: PARTITIONS }, (_, number) =>
    draw("rect", { x: (number % COLUMNS) * 10, y: Math.floor(number / COLUMNS) * 10, width: 9, height: 9, rx: 2, "data-partition": number, class: "cell unserved" }),
  );
  const map = byId("map");
  map.append(draw("svg", { viewBox: `0 0 ${COLUMNS * 10} ${(PARTITIONS / COLUMNS) * 10}`, "aria-hidden": "true" }, ...cells));
  map.addEventListener("pointerover", (event) => event.target.dataset.partition && choose(Number(event.target.dataset.partition)));
  map.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS }[event.key];
    if (!by) return;
    event.preventDefault();
    choose((Math.max(chosen, 0) + (chosen < 0 ? 0 : by) + PARTITIONS) % PARTITIONS);
  });
}

/** Take the members from /v1/status and the rows from /v1/partitions. */
export function take(cluster, listing) {
  const before = partitions;
  members = [...cluster.members].sort((one, other) => one.address.localeCompare(other.address, "en", { numeric: true }));
  const known = new Map(members.map((member, place) => [member.id, place]));
  partitions = new Array(PARTITIONS).fill(null);
  for (const row of listing.rows) {
    const server = known.get(listing.members[row.server]) ?? -1;
    for (let number = row.first; number <= row.last; number += 1) partitions[number] = { ...row, server, by: listing.members[row.server], ids: listing.members };
  }
  const shares = members.map((_, place) => shareOf(place));
  drawMap();
  drawRing(cluster, shares);
  drawLines(before, shares);
  listMembers(listing, shares);
  tell(cluster);
  if (chosen >= 0) choose(chosen);
}

function shareOf(place) {
  const own = partitions.filter((one) => one?.server === place);
  const states = { safe: 0, moving: 0, degraded: 0 };
  for (const one of own) states[one.state] += 1;
  return { serves: own.length, ...states };
}

// -- the map ---------------------------------------------------------------------

function drawMap() {
  const cells = byId("map").firstElementChild.children;
  partitions.forEach((one, number) => {
    const cell = cells[number];
    const look = one === null || one.server < 0 ? "unserved" : one.state;
    const server = one?.server ?? -1;
    if (cell.dataset.look === `${look}${server}`) return;
    cell.dataset.look = `${look}${server}`;
    cell.setAttribute("class", `cell ${look}`);
    if (server >= 0) cell.style.setProperty("--hue", hue(server));
  });
}

function choose(number) {
  const cells = byId("map").firstElementChild.children;
  cells[chosen]?.removeAttribute("data-chosen");
  chosen = number;
  cells[chosen].setAttribute("data-chosen", "");
  const one = partitions[number];
  if (!one) return say(byId("map-note"), `Partition ${number}: served by nobody that answers.`);
  const copies = one.copies.map((copy) => `${nameOf(one.ids[copy.member])} (${copy.state})`).join(", ") || "none";
  say(byId("map-note"), `Partition ${number}: ${one.state}, served by ${nameOf(one.by)}; copies: ${copies}; epoch ${one.epoch}.`);
}

const nameOf = (id) => members.find((member) => member.id === id)?.address ?? `${String(id).slice(0, 8)} …`;

// -- the ring --------------------------------------------------------------------

/** Where each member's arc begins and ends, in turns; a share never vanishes. */
function arcs(shares) {
  const sizes = shares.map((share) => Math.max(share.serves / PARTITIONS, LEAST_SHARE));
  const sum = sizes.reduce((total, size) => total + size, 0) || 1;
  let at = 0;
  return sizes.map((size) => {
    const begin = at;
    at += size / sum;
    return [begin, at];
  });
}

function drawRing(cluster, shares) {
  const places = arcs(shares);
  const shapes = [];
  members.forEach((member, place) => {
    const [begin, end] = places[place];
    const gap = members.length > 1 ? Math.min(GAP / 2, (end - begin) / 14) : 0;
    shapes.push(...memberArcs(member, place, shares[place], begin + gap, end - gap));
    shapes.push(label(member, shares[place], (begin + end) / 2));
  });
  const ring = byId("ring");
  const lines = ring.querySelector(".lines") ?? draw("g", { class: "lines" });
  const served = shares.reduce((total, share) => total + share.serves, 0);
  const middle = draw(
    "g",
    { class: "middle" },
    draw("text", { y: -4, class: "big" }, whole(served)),
    draw("text", { y: 16 }, served === PARTITIONS ? "partitions served" : "of 1,024 served"),
  );
  ring.replaceChildren(...shapes, lines, middle);
  ring.setAttribute("aria-label", `${cluster.name || "Cluster"}: ${members.map((member, place) => `${member.address} is ${member.state} and serves ${shares[place].serves}`).join("; ")}`);
}

function memberArcs(member, place, share, begin, end) {
  if (!share.serves) return [arc(begin, end, isGone(member) ? "gone" : "idle", place)];
  const found = [];
  let at = begin;
  for (const state of ["safe", "moving", "degraded"]) {
    if (!share[state]) continue;
    const next = at + ((end - begin) * share[state]) / share.serves;
    found.push(arc(at, next, isGone(member) ? "gone" : state, place));
    at = next;
  }
  return found;
}

function arc(begin, end, look, place) {
  // A whole turn ends where it begins, and would be nothing.
  const last = Math.min(end, begin + 0.9999);
  const far = last - begin > 0.5 ? 1 : 0;
  const [a, b, c, d] = [point(begin, OUTER), point(last, OUTER), point(last, INNER), point(begin, INNER)];
  const path = draw("path", { class: `arc ${look}`, d: `M${a}A${OUTER} ${OUTER} 0 ${far} 1 ${b}L${c}A${INNER} ${INNER} 0 ${far} 0 ${d}Z` });
  path.style.setProperty("--hue", hue(place));
  return path;
}

const angle = (turn) => (turn - 0.25) * 2 * Math.PI;
const point = (turn, radius) => `${(radius * Math.cos(angle(turn))).toFixed(2)} ${(radius * Math.sin(angle(turn))).toFixed(2)}`;

function label(member, share, turn) {
  const [x, y] = point(turn, LABELS).split(" ").map(Number);
  const anchor = Math.abs(x) < 30 ? "middle" : x > 0 ? "start" : "end";
  const text = draw("text", { x, y, class: `name ${member.state}${member.is_self ? " self" : ""}`, "text-anchor": anchor });
  const many = members.length > 8;
  text.append(draw("tspan", { x }, many ? shortName(member.address) : member.address));
  if (!many) text.append(draw("tspan", { x, dy: 13, class: "sub" }, isGone(member) ? member.state : `${share.serves}${member.state === "alive" ? "" : `, ${member.state}`}`));
  return text;
}

/** What tells a member from the others in few letters: its port where all have one host, else the part of its host that differs. */
function shortName(address) {
  const [host, port] = [address.slice(0, address.lastIndexOf(":")), address.slice(address.lastIndexOf(":"))];
  if (members.every((one) => one.address.startsWith(`${host}:`))) return port;
  return /^[\d.]+$/.test(host) ? host.slice(host.lastIndexOf(".")) : host.split(".")[0];
}

/** For each partition that has gone to another member, a line that fades. */
function drawLines(before, shares) {
  const moved = partitions.flatMap((one, number) => {
    const from = before[number]?.by;
    return one && from && from !== one.by ? [[from, one.by]] : [];
  });
  const places = arcs(shares);
  const at = (id) => {
    const place = members.findIndex((member) => member.id === id);
    return place < 0 ? null : places[place];
  };
  const lines = byId("ring").querySelector(".lines");
  for (const [number, [from, to]] of moved.slice(0, MOST_LINES).entries()) {
    const [source, target] = [at(from), at(to)];
    if (!source || !target) continue;
    const share = (number + 0.5) / Math.min(moved.length, MOST_LINES);
    const turn = ([begin, end]) => begin + (end - begin) * share;
    const line = draw("path", { class: "line", d: `M${point(turn(source), INNER - 3)}Q0 0 ${point(turn(target), INNER - 3)}` });
    lines.append(line);
    setTimeout(() => line.remove(), LINE_MS);
  }
}

// -- the table -------------------------------------------------------------------

function listMembers(listing, shares) {
  const keys = new Map();
  for (const row of listing.rows) keys.set(listing.members[row.server], (keys.get(listing.members[row.server]) ?? 0) + row.keys);
  const rows = members.map((member, place) => {
    const swatch = make("i", { class: `swatch${isGone(member) ? " gone" : ""}` });
    swatch.style.setProperty("--hue", hue(place));
    const share = shares[place];
    return [
      make("span", { class: "member" }, swatch, member.address, member.is_self ? make("small", {}, " this node") : ""),
      make("span", { class: `state ${member.state}`, "data-state": member.state }, member.state === "alive" && member.phase !== "active" ? member.phase : member.state),
      whole(share.serves),
      whole(share.moving),
      whole(share.degraded),
      count(keys.get(member.id) ?? 0),
    ];
  });
  fillTable(byId("members"), rows, "Nobody is known.");
}

function tell(cluster) {
  const unserved = partitions.filter((one) => one === null).length;
  const moving = partitions.filter((one) => one?.state === "moving").length;
  const degraded = partitions.filter((one) => one?.state === "degraded").length;
  const gone = members.filter((member) => member.state === "dead").length;
  const troubles = [
    gone && `${gone} ${gone === 1 ? "member is" : "members are"} dead`,
    unserved && `${unserved} unserved`,
    moving && `${moving} moving`,
    degraded && `${degraded} with copies missing`,
  ].filter(Boolean);
  say(byId("cluster-note"), `${cluster.name ? `${cluster.name}: ` : ""}${members.length - members.filter(isGone).length} members · ${troubles.join(" · ") || "every partition is safe"}`);
}
