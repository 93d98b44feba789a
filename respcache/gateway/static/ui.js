// What all parts of the page share: making elements, writing figures, and asking the server.
// Text from the server becomes text nodes only; nothing is ever parsed as HTML.

export const byId = (id) => document.getElementById(id);

/** Make an element. Names that begin with "on" are listeners; of the others, what is true stands without a value. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same within an SVG drawing. */
export function draw(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return element;
}

/** Put rows into a table; a row is a list of cells, each a text or a node. `empty` is told where there are none. */
export function fillTable(table, rows, empty) {
  const heads = [...table.tHead.rows[0].cells];
  const body = rows.map((cells) =>
    make("tr", {}, ...cells.map((cell, place) => make("td", { class: heads[place].className }, cell ?? ""))),
  );
  if (!body.length) body.push(make("tr", {}, make("td", { colspan: heads.length, class: "empty" }, empty)));
  table.tBodies[0].replaceChildren(...body);
}

/** Show facts as a list of terms. */
export function fillFacts(list, facts) {
  list.replaceChildren(...Object.entries(facts).map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, value))));
}

/** Bytes as the server tells them: a text, or {base64} where they are no UTF-8. */
export function text(word) {
  if (word === null || word === undefined) return "";
  if (typeof word !== "object") return String(word);
  return [...atob(word.base64)].map((one) => (one >= " " && one <= "~" ? one : `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`)).join("");
}

const PLAIN = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const FINE = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

/** 1234567 -> 1.23 M */
export function count(number) {
  if (number === null || number === undefined) return "–";
  if (number >= 1e9) return `${FINE.format(number / 1e9)} G`;
  if (number >= 1e6) return `${FINE.format(number / 1e6)} M`;
  if (number >= 1e4) return `${FINE.format(number / 1e3)} k`;
  return number > 0 && number < 10 ? FINE.format(number) : PLAIN.format(number);
}

export const whole = (number) => PLAIN.format(number);

export function bytes(number) {
  if (number === null || number === undefined) return "–";
  let size = number;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (size < 1024 || unit === "GiB") return `${size < 10 && unit !== "B" ? size.toFixed(1) : PLAIN.format(size)} ${unit}`;
    size /= 1024;
  }
}

/** Microseconds. */
export function micros(number) {
  if (number === null || number === undefined) return "–";
  if (number >= 1e6) return `${FINE.format(number / 1e6)} s`;
  return number >= 1000 ? `${FINE.format(number / 1000)} ms` : `${FINE.format(number)} µs`;
}

/** Seconds, in the two units that matter. */
export function span(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
}

export const clockTime = (ms) => new Date(ms).toLocaleTimeString("en-GB");

/** Change a text only where it differs: a screen reader is told of changes. */
export function say(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

const PATIENCE_MS = 5000;

/** Ask for JSON. Throws an Error with the server's own words. */
export async function ask(path, options = {}) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store", ...options });
  const document = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(document.detail ?? document.error ?? `The server answered ${response.status}.`);
  return document;
}

/** Run one command; a word is a text, a number, or {base64}. */
export async function run(...words) {
  const body = JSON.stringify(words);
  const { result } = await ask("/v1/commands", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  return result;
}

/** Ask whether to go on; true for yes. */
export function confirmed(question, verb) {
  const dialog = byId("confirm");
  byId("confirm-text").textContent = question;
  byId("confirm-yes").textContent = verb;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Call at most once in so many milliseconds, the last time included. */
export function seldom(call, ms) {
  let timer = 0;
  return () => {
    timer ||= setTimeout(() => {
      timer = 0;
      call();
    }, ms);
  };
}
