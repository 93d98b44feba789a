// The key browser: find keys, look at one, and, where that is allowed, change or delete it.

import { ask, byId, bytes, confirmed, count, fillFacts, make, run, say, span, text, whole } from "./ui.js";

const PAGE = 50;
const LONGEST_VALUE = 100_000; // of a longer one this much is shown, and it cannot be edited here
const PAGE_OF_FIELDS = 100;
const WILDCARDS = /[*?[\\]/;

let search = { pattern: "", type: "", cursor: "0", looked: 0, number: 0 };
let opened = null;
let isReadOnly = false;

export function start() {
  byId("search").addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  byId("type").addEventListener("change", begin);
  byId("more").addEventListener("click", () => find(search));
  byId("key-close").addEventListener("click", () => byId("key-dialog").close());
  byId("key-delete").addEventListener("click", deleteKey);
  byId("key-dialog").addEventListener("close", keepPlace);
  byId("ttl-form").addEventListener("submit", setTtl);
  begin();
}

/** Show or hide whatever would change something. */
export function allowWrites(isAllowed) {
  isReadOnly = !isAllowed;
  byId("read-only").hidden = isAllowed;
  for (const one of document.querySelectorAll("[data-writes]")) one.hidden = isReadOnly;
}

// -- finding ---------------------------------------------------------------------

function begin() {
  search = { pattern: byId("pattern").value, type: byId("type").value, cursor: "0", looked: 0, number: search.number + 1 };
  byId("found").tBodies[0].replaceChildren();
  find(search);
}

async function browse(asked, pattern) {
  const wanted = new URLSearchParams({ cursor: asked.cursor, count: PAGE });
  if (pattern) wanted.set("match", pattern);
  if (asked.type) wanted.set("type", asked.type);
  return ask(`/v1/browse?${wanted}`);
}

/** Look on until there are keys to show, or no more to look through; a newer search ends this one. */
async function find(asked) {
  const isPart = asked.pattern && !WILDCARDS.test(asked.pattern);
  byId("more").hidden = true;
  try {
    // A name in full is found at once, among a million; then come those which contain it.
    if (isPart && asked.cursor === "0") add(asked, (await browse(asked, asked.pattern)).keys);
    let shown = 0;
    do {
      const page = await browse(asked, isPart ? `*${asked.pattern}*` : asked.pattern);
      if (asked !== search) return;
      asked.cursor = page.cursor;
      asked.looked += page.looked_at;
      shown += add(asked, isPart ? page.keys.filter((one) => one.key !== asked.pattern) : page.keys);
      tell(asked, page.total, asked.cursor !== "0" && !shown);
    } while (!shown && asked.cursor !== "0");
    byId("more").hidden = asked.cursor === "0";
  } catch (error) {
    if (asked === search) say(byId("keys-note"), error.message);
  }
}

function tell(asked, total, isLooking) {
  const rows = byId("found").tBodies[0].rows.length;
  const looked = asked.cursor === "0" ? total : Math.min(asked.looked, total);
  say(byId("keys-note"), `${whole(rows)} shown · ${isLooking ? "looking, " : ""}${count(looked)} of ${count(total)} keys looked through`);
}

function add(asked, keys) {
  if (asked !== search) return 0;
  byId("found").tBodies[0].append(
    ...keys.map((one) =>
      make(
        "tr",
        {},
        make("td", {}, make("button", { type: "button", class: "link", onclick: () => open(one) }, text(one.key) || "(empty)")),
        make("td", {}, one.type),
        make("td", { class: "number" }, one.ttl_ms === null ? "for ever" : span(one.ttl_ms / 1000)),
        make("td", { class: "number" }, bytes(one.bytes)),
        make("td", { class: "number wide" }, count(one.length)),
        make("td", { class: "wide" }, one.encoding),
      ),
    ),
  );
  return keys.length;
}

/** Where the list was made anew meanwhile, the button that opened the key is gone: go on from the list. */
function keepPlace() {
  if (document.activeElement === document.body) document.querySelector("#keys .scroll").focus({ preventScroll: true });
}

// -- one key ---------------------------------------------------------------------

async function open(one) {
  opened = one;
  byId("key-name").textContent = text(one.key) || "(empty)";
  say(byId("key-note"), "");
  byId("key-value").replaceChildren();
  byId("key-dialog").showModal();
  await refresh();
}

/** Show the key as it is now. */
async function refresh() {
  await attempt(async () => {
    const facts = await run("OBJECT", "FACTS", opened.key);
    if (facts === null) return gone();
    const [type, life, size, encoding, length] = facts;
    const lives = life < 0 ? "for ever" : span(life / 1000);
    fillFacts(byId("key-facts"), { Type: type, Lives: lives, Memory: bytes(size), Encoding: encoding, [type === "hash" ? "Fields" : "Length"]: whole(length) });
    byId("ttl").value = life < 0 ? "" : (life / 1000).toFixed(life < 10_000 ? 1 : 0);
    await (type === "hash" ? showHash() : showString(length));
  });
}

function gone() {
  byId("key-facts").replaceChildren();
  byId("key-value").replaceChildren();
  say(byId("key-note"), "This key is gone.");
}

async function attempt(action) {
  try {
    await action();
  } catch (error) {
    say(byId("key-note"), error.message);
  }
}

async function showString(length) {
  const value = await run("GETRANGE", opened.key, 0, LONGEST_VALUE - 1);
  const isWhole = length <= LONGEST_VALUE;
  const isText = typeof value === "string";
  const mayEdit = isWhole && isText && !isReadOnly;
  const area = make("textarea", { id: "value", rows: 8, spellcheck: "false", readonly: !mayEdit });
  area.value = text(value);
  const why = isText ? (isWhole ? "" : `The first ${whole(LONGEST_VALUE)} bytes.`) : "Not UTF-8: bytes are shown as \\x..";
  const save = make("button", { type: "submit" }, "Save");
  const form = make("form", { class: "stack" }, make("label", {}, "Value ", area), why ? make("p", { class: "note" }, why) : "", mayEdit ? save : "");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      // XX: not for a key that is gone by now; KEEPTTL: it lives as long as before.
      const done = await run("SET", opened.key, area.value, "XX", "KEEPTTL");
      if (done === null) return gone();
      await refresh();
      say(byId("key-note"), "Saved.");
      begin();
    });
  });
  byId("key-value").replaceChildren(form);
}

async function showHash(pattern = "") {
  const rows = make("tbody", {});
  const more = make("button", { type: "button", class: "quiet", hidden: true, onclick: () => attempt(load) }, "More fields");
  const filter = make("input", { type: "search", value: pattern, autocomplete: "off", placeholder: "any" });
  const find = make("form", {}, make("label", { class: "grow" }, "Fields ", filter), make("button", { type: "submit" }, "Find"));
  const table = make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Field"), make("th", { scope: "col" }, "Value"), make("th", { scope: "col" }, make("span", { class: "unseen" }, "Change")))), rows);
  const editor = fieldEditor();
  let cursor = "0";
  async function load() {
    do {
      const [next, found] = await run("HSCAN", opened.key, cursor, "MATCH", pattern || "*", "COUNT", PAGE_OF_FIELDS);
      cursor = next;
      for (let place = 0; place < found.length; place += 2) rows.append(fieldRow(found[place], found[place + 1], editor));
    } while (cursor !== "0" && !rows.children.length);
    more.hidden = cursor === "0";
  }
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => showHash(filter.value && !WILDCARDS.test(filter.value) ? `*${filter.value}*` : filter.value));
  });
  byId("key-value").replaceChildren(find, make("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": "Fields" }, table), more, isReadOnly ? "" : editor.form);
  await load();
}

function fieldRow(field, value, editor) {
  const isText = typeof field === "string" && typeof value === "string";
  const actions = isReadOnly
    ? ""
    : make(
        "span",
        { class: "row-actions" },
        isText ? make("button", { type: "button", class: "quiet", "aria-label": `Edit ${text(field)}`, onclick: () => editor.edit(field, value) }, "Edit") : "",
        make("button", { type: "button", class: "quiet", "aria-label": `Remove ${text(field)}`, onclick: () => removeField(field) }, "Remove"),
      );
  const shown = text(value);
  return make("tr", {}, make("td", {}, text(field)), make("td", {}, shown.length > 300 ? `${shown.slice(0, 300)} …` : shown), make("td", {}, actions));
}

function fieldEditor() {
  const name = make("input", { id: "field-name", autocomplete: "off", required: true });
  const value = make("input", { id: "field-value", autocomplete: "off" });
  const form = make("form", {}, make("label", {}, "Field ", name), make("label", { class: "grow" }, "Value ", value), make("button", { type: "submit" }, "Save field"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      await run("HSET", opened.key, name.value, value.value);
      await refresh();
      say(byId("key-note"), "Saved.");
    });
  });
  const edit = (field, old) => {
    name.value = field;
    value.value = old;
    value.focus();
  };
  return { form, edit };
}

async function removeField(field) {
  if (!(await confirmed(`Remove the field “${text(field)}” of “${text(opened.key)}”?`, "Remove"))) return;
  await attempt(async () => {
    await run("HDEL", opened.key, field);
    await refresh();
  });
}

async function deleteKey() {
  if (!(await confirmed(`Delete the key “${text(opened.key)}” with its value?`, "Delete"))) return;
  await attempt(async () => {
    await run("DEL", opened.key);
    byId("key-dialog").close();
    begin();
  });
}

async function setTtl(event) {
  event.preventDefault();
  const wanted = byId("ttl").value.trim();
  const seconds = Number(wanted.replace(",", "."));
  if (wanted && !(seconds >= 0.001 && seconds < 1e12)) return say(byId("key-note"), "A number of seconds, or nothing for ever.");
  await attempt(async () => {
    await (wanted ? run("PEXPIRE", opened.key, Math.round(seconds * 1000)) : run("PERSIST", opened.key));
    await refresh();
    say(byId("key-note"), wanted ? "It ends then." : "It lives for ever.");
    begin();
  });
}
