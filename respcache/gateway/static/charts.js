// Six charts over one time axis, from /v1/history and then from what /v1/status tells each second. uPlot draws.

import { ask, byId, bytes, count, make, micros, say } from "./ui.js";

const SECOND_SAMPLES = 120;
const HOUR_SAMPLES = 720;

const POWERS_OF_TWO = Array.from({ length: 48 }, (_, power) => 2 ** power);

const powerOfTen = (number, round) => 10 ** round(Math.log10(number));
const POWERS_OF_TEN = Array.from({ length: 12 }, (_, power) => 10 ** (power - 2));
const BY_TENS = {
  scale: { distr: 3, range: (_, low, high) => (low > 0 ? [powerOfTen(low, Math.floor), Math.max(powerOfTen(high, Math.ceil), powerOfTen(low, Math.floor) * 10)] : [1, 1000]) },
  axis: { splits: (plot, _, low, high) => POWERS_OF_TEN.filter((power) => power >= low * 0.99 && power <= high * 1.01), filter: (_, powers) => powers },
};

const percent = (value) => (value === null || value === undefined ? "–" : `${value.toFixed(value > 99 && value < 100 ? 2 : 1)} %`);
const ratio = (sample) => (sample.hits + sample.misses > 0 ? (100 * sample.hits) / (sample.hits + sample.misses) : null);

// "pick" gives a line's value of a sample; colours are names of the style sheet's.
const CHARTS = [
  { id: "operations", title: "Operations per second", write: count, lines: [{ name: "operations", colour: "--line-a", pick: (s) => s.operations }] },
  { id: "hits", title: "Hit ratio", write: percent, range: [0, 100], lines: [{ name: "hits", colour: "--line-b", pick: ratio }] },
  {
    id: "latency",
    title: "Latency",
    write: micros,
    byTens: true, // a command that took a tenth of a second would make all others a flat line
    lines: [
      { name: "p50", colour: "--line-a", pick: (s) => s.p50_us || null },
      { name: "p99", colour: "--line-c", pick: (s) => s.p99_us || null },
    ],
  },
  {
    id: "memory",
    title: "Memory",
    write: bytes,
    lines: [
      { name: "data", colour: "--line-b", pick: (s) => s.memory_bytes },
      { name: "process", colour: "--line-d", pick: (s) => s.resident_bytes },
    ],
  },
  {
    id: "evictions",
    title: "Evicted and expired per second",
    write: count,
    lines: [
      { name: "evicted", colour: "--line-c", pick: (s) => s.evicted },
      { name: "expired", colour: "--line-d", pick: (s) => s.expired },
    ],
  },
  {
    id: "network",
    title: "Network per second",
    write: bytes,
    lines: [
      { name: "in", colour: "--line-a", pick: (s) => s.input_bytes },
      { name: "out", colour: "--line-b", pick: (s) => s.output_bytes },
    ],
  },
];

let step = 1;
let samples = [];
let plots = [];
let lastMinute = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function start() {
  const makeCard = (chart) =>
    make(
      "figure",
      { class: "card chart", "data-chart": chart.id },
      make("figcaption", {}, chart.title),
      make(
        "p",
        { class: "figures" },
        ...chart.lines.map((line, place) =>
          make("span", { class: place ? "second" : "first" }, make("b", { "data-line": line.name }, "–"), chart.lines.length > 1 ? make("small", { "data-colour": line.colour }, line.name) : ""),
        ),
      ),
      make("div", { class: "plot", role: "img", "aria-label": `${chart.title}: no figures yet` }),
    );
  byId("charts").replaceChildren(...CHARTS.map(makeCard));
  byId("range").addEventListener("change", (event) => {
    step = Number(event.target.value);
    reload();
  });
  rebuild();
  new ResizeObserver(fit).observe(byId("charts"));
}

/** Draw everything anew, in the colours of now. */
export function rebuild() {
  plots.forEach((plot) => plot.destroy());
  plots = CHARTS.map((chart) => {
    const place = card(chart).querySelector(".plot");
    for (const small of card(chart).querySelectorAll("small[data-colour]")) small.style.setProperty("--dot", colour(small.dataset.colour));
    return new uPlot(options(chart, place), data(chart), place);
  });
}

const card = (chart) => document.querySelector(`[data-chart="${chart.id}"]`);

function options(chart, place) {
  const grid = { stroke: colour("--rule"), width: 1 };
  const axis = { stroke: colour("--muted"), font: "11px system-ui, sans-serif", grid, ticks: { show: false } };
  return {
    width: Math.max(place.clientWidth, 120),
    height: 120,
    padding: [6, 4, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 6 }, sync: { key: "respcache" } },
    scales: { y: chart.byTens ? BY_TENS.scale : { range: chart.range ?? ((_, low, high) => [0, high > 0 ? high * 1.15 : 1]) } },
    axes: [
      { ...axis, size: 22, space: 70, values: (_, times) => times.map(timeOfDay), grid: { show: false } },
      { ...axis, size: 56, space: 34, ...(chart.write === bytes && { incrs: POWERS_OF_TWO }), ...(chart.byTens && BY_TENS.axis), values: (_, ticks) => ticks.map((tick) => chart.write(tick)) },
    ],
    series: [{}, ...chart.lines.map((line, number) => series(line, number, chart))],
    hooks: { setCursor: [(plot) => showFigures(chart, samples[plot.cursor.idx] ?? samples.at(-1))] },
  };
}

const timeOfDay = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en-GB", step === 1 ? {} : { hour: "2-digit", minute: "2-digit" });

function series(line, number, chart) {
  const stroke = colour(line.colour);
  const solid = { stroke, width: 1.6, spanGaps: true, points: { show: false } };
  return number || chart.lines.length > 1 ? solid : { ...solid, fill: `${stroke}22` };
}

function data(chart) {
  return [samples.map((one) => one.at_ms / 1000), ...chart.lines.map((line) => samples.map((one) => line.pick(one)))];
}

/** Ask for what there was before this page looked, or while it did not. */
export async function reload() {
  const asked = step;
  const { samples: columns } = await ask(`/v1/history?step=${asked}`);
  if (asked !== step) return;
  const names = Object.keys(columns);
  samples = columns.at_ms.map((_, place) => Object.fromEntries(names.map((name) => [name, columns[name][place]])));
  lastMinute = samples.at(-1)?.at_ms ?? null;
  redraw();
}

/** Take what /v1/status tells of the last second. */
export function take(sample) {
  if (!sample || sample.at_ms === samples.at(-1)?.at_ms) return;
  if (step === 1) {
    samples = [...samples, sample].slice(-SECOND_SAMPLES);
    redraw();
  } else if (lastMinute === null || sample.at_ms - lastMinute >= 5000) {
    lastMinute = sample.at_ms;
    samples = samples.slice(-HOUR_SAMPLES);
    reload().catch(() => {});
  }
}

function redraw() {
  CHARTS.forEach((chart, number) => {
    plots[number].setData(data(chart));
    if (plots[number].cursor.idx === null || plots[number].cursor.idx === undefined) showFigures(chart, samples.at(-1));
  });
}

function showFigures(chart, sample) {
  if (!sample) return;
  const place = card(chart);
  const told = chart.lines.map((line) => {
    const words = chart.write(line.pick(sample));
    say(place.querySelector(`[data-line="${line.name}"]`), words);
    return chart.lines.length > 1 ? `${line.name} ${words}` : words;
  });
  place.querySelector(".plot").setAttribute("aria-label", `${chart.title}: ${told.join(", ")}`);
}

function fit() {
  CHARTS.forEach((chart, number) => {
    const width = Math.max(card(chart).querySelector(".plot").clientWidth, 120);
    if (plots[number].width !== width) plots[number].setSize({ width, height: 120 });
  });
}
