// The four graphs of the Open NAT64 experiment: subscribers and new sessions, concurrent sessions, throughput, workers.

import { h } from "./dom.js";
import { t } from "./i18n.js";
import { grouped, percent, rate, short } from "./format.js";

export const kSpans = [600, 3600, 86400];
const kMostWorkers = 8;  // lines of their own; of more the busiest, the mean and the idlest are drawn
const kHeight = 168;

// A custom property's colour in the theme that is shown.
function color(name) {
  const probe = h("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

const with_alpha = (rgb, alpha) => rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`);
const last_known = (values) => values?.findLast((value) => value !== null) ?? null;
const has_some = (values) => values?.some((value) => value !== null) ?? false;

// What each graph shows of a history: {label, color, values, show, scale}.
const kGraphs = {
  people: (series) => [
    { label: t("subscribers"), color: "c1", values: series.subscribers, show: grouped, scale: "y" },
    { label: t("new-sessions"), color: "c2", values: series["new-sessions"], show: rate, scale: "y2" },
  ],
  sessions: (series) => [
    { label: "TCP", color: "c1", values: series["tcp-sessions"], show: grouped, scale: "y" },
    { label: "UDP", color: "c2", values: series["udp-sessions"], show: grouped, scale: "y" },
    { label: "ICMP", color: "c3", values: series["icmp-sessions"], show: grouped, scale: "y" },
  ],
  bits: (series) => [
    { label: t("to-ipv4"), color: "c1", values: series["bits-to-ipv4"], show: (v) => short(v, "bit/s"), scale: "y", fill: true },
    { label: t("to-ipv6"), color: "c2", values: series["bits-to-ipv6"], show: (v) => short(v, "bit/s"), scale: "y", fill: true },
  ],
  packets: (series) => [
    { label: t("to-ipv4"), color: "c1", values: series["packets-to-ipv4"], show: rate, scale: "y" },
    { label: t("to-ipv6"), color: "c2", values: series["packets-to-ipv6"], show: rate, scale: "y" },
    { label: t("in-kernel"), color: "c3", values: series["offloaded-packets"], show: rate, scale: "y", fill: true },
  ],
  workers: (_, workers) => worker_lines(workers),
};

function worker_lines(workers) {
  if (workers.length <= kMostWorkers)
    return workers.map((worker, i) => ({
      label: t("worker-n", { n: i }), color: `c${(i % 6) + 1}`, values: worker.busy, show: percent, scale: "y",
    }));
  const over_all = (choose) => workers[0].busy.map((_, i) => {
    const known = workers.map((worker) => worker.busy[i]).filter((value) => value !== null && value !== undefined);
    return known.length ? choose(known) : null;
  });
  return [
    { label: t("busiest-worker"), color: "c2", values: over_all((v) => Math.max(...v)), show: percent, scale: "y" },
    { label: t("mean"), color: "c1", values: over_all((v) => v.reduce((a, b) => a + b) / v.length), show: percent, scale: "y" },
    { label: t("idlest-worker"), color: "c3", values: over_all((v) => Math.min(...v)), show: percent, scale: "y" },
  ];
}

// Seconds since 1970 of every sample, and every series as long as the longest: a young one begins with nothing.
function aligned(history, lines) {
  const count = Math.max(0, ...lines.map((line) => line.values?.length ?? 0));
  const end = Date.parse(history.end) / 1000;
  const times = Array.from({ length: count }, (_, i) => end - (count - 1 - i) * history.step);
  return [times, ...lines.map((line) => {
    const values = line.values ?? [];
    return Array(count - values.length).fill(null).concat(values);
  })];
}

class Graph {
  constructor(title, kind, { unit_switch } = {}) {
    this.kind = kind;
    this.chips = h("div", { class: "chips" });
    this.plot_box = h("div", { class: "plot", role: "img" });
    this.element = h("section", { class: "panel graph", "aria-label": title },
      h("div", { class: "panel-head" }, h("h2", {}, title), unit_switch), this.chips, this.plot_box);
    this.title = title;
    this.resized = new ResizeObserver(() => this.fit());
    this.resized.observe(this.plot_box);
  }

  fit() {
    const width = this.plot_box.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: kHeight });
  }

  update(history) {
    const lines = kGraphs[this.kind](history.series, history.workers ?? []).filter((line) => has_some(line.values));
    this.lines = lines;
    const shape = `${this.kind} ${history.span} ${lines.map((line) => line.label).join()}`;
    if (lines.length === 0) return this.show_nothing();
    const data = aligned(history, lines);
    const range = { min: data[0].at(-1) - history.span, max: data[0].at(-1) };
    this.range = range;
    this.data = data;
    if (shape !== this.shape) this.make(shape, lines, data, history.span);
    else this.plot.setData(data);
    this.show_values(this.plot.cursor.idx);
  }

  show_nothing() {
    this.plot?.destroy();
    this.plot = this.shape = null;
    this.chips.replaceChildren();
    this.plot_box.replaceChildren(h("p", { class: "quiet" }, t("no-such-series")));
  }

  make(shape, lines, data, span) {
    this.plot?.destroy();
    this.shape = shape;
    this.plot_box.replaceChildren();
    const axis_color = color("dim");
    const grid = { stroke: color("grid"), width: 1 };
    const font = "11px system-ui, sans-serif";
    const numbers = (show) => (_, values) => values.map((value) => (show === percent ? `${Math.round(value * 100)}%` : short(value).replace(/\.0+(?!\d)/, "")));
    const axis = (scale, line, more = {}) => ({
      scale, stroke: axis_color, font, grid, ticks: { show: false }, size: 46, gap: 4, space: 34, values: numbers(line.show), ...more,
    });
    const on_right = lines.find((line) => line.scale === "y2");
    const on_left = lines.find((line) => line.scale === "y");
    const axes = [{ stroke: axis_color, font, grid: { show: false }, ticks: { show: false }, size: 22, space: 64, values: time_labels(span) }];
    if (on_left) axes.push(axis("y", on_left));
    if (on_right) axes.push(axis("y2", on_right, { side: on_left ? 1 : 3, grid: on_left ? { show: false } : grid }));
    const from_zero = (is_share, room = 1.1) => ({
      range: (_, __, high) => [0, is_share ? 1 : Math.max(1, (high ?? 0) * room)],
    });
    this.plot = new uPlot({
      width: this.plot_box.clientWidth || 320,
      height: kHeight,
      padding: [6, on_right ? 0 : 8, 0, 0],
      legend: { show: false },
      cursor: { sync: { key: "yonroku", setSeries: false }, y: false, points: { size: 6 }, drag: { x: false, y: false } },
      scales: {
        x: { time: true, range: () => [this.range.min, this.range.max] },
        y: from_zero(lines[0].show === percent),
        y2: from_zero(false, 2),  // below the other line, not over it
      },
      axes,
      series: [{}, ...lines.map((line) => {
        const stroke = color(line.color);
        return { label: line.label, scale: line.scale, stroke, width: 1.5, points: { show: false }, spanGaps: false,
          fill: line.fill ? with_alpha(stroke, 0.14) : undefined };
      })],
      hooks: { setCursor: [(plot) => this.show_values(plot.cursor.idx)] },
    }, data, this.plot_box);
  }

  // The values under the cursor, or the newest.
  show_values(index) {
    if (!this.lines) return;
    const at = index ?? null;
    const value_of = (line, i) => (at === null ? last_known(line.values) : this.data[i + 1][at]);
    const texts = this.lines.map((line, i) => [line, line.show(value_of(line, i))]);
    const chips = texts.map(([line, text]) => {
      const swatch = h("span", { class: "swatch" });
      swatch.style.background = `var(--${line.color})`;
      return h("span", { class: "chip" }, swatch, h("span", { class: "label" }, line.label), h("b", {}, text));
    });
    if (this.extra) chips.push(h("span", { class: "chip extra" }, this.extra));
    this.chips.replaceChildren(...chips);
    if (at === null) this.plot_box.setAttribute("aria-label", `${this.title}: ${texts.map(([line, text]) => `${line.label} ${text}`).join(", ")}`);
  }

  destroy() {
    this.resized.disconnect();
    this.plot?.destroy();
  }
}

// Hours and minutes; seconds only where labels are less than a minute apart.
function time_labels(span) {
  const two = (number) => String(number).padStart(2, "0");
  return (_, splits) => splits.map((seconds) => {
    const at = new Date(seconds * 1000);
    const text = `${two(at.getHours())}:${two(at.getMinutes())}`;
    return span <= 600 && at.getSeconds() !== 0 ? `${text}:${two(at.getSeconds())}` : text;
  });
}

// The row of graphs of one instance. `has_nat`: whether it has subscribers and sessions.
export class Graphs {
  constructor({ has_nat }) {
    this.unit = localStorage.getItem("yonroku.unit") === "packets" ? "packets" : "bits";
    const units = [["bits", "bit/s"], ["packets", t("packets-per-second")]];
    this.unit_switch = choice(t("unit"), units, this.unit, (unit) => this.choose_unit(unit));
    this.throughput = new Graph(t("throughput"), this.unit, { unit_switch: this.unit_switch });
    this.graphs = [this.throughput, new Graph(t("worker-cpu"), "workers")];
    if (has_nat) this.graphs.unshift(new Graph(t("subscribers-and-new"), "people"), new Graph(t("concurrent-sessions"), "sessions"));
    this.element = h("div", { class: has_nat ? "graphs" : "graphs two" }, this.graphs.map((graph) => graph.element));
  }

  choose_unit(unit) {
    localStorage.setItem("yonroku.unit", unit);
    this.throughput.kind = unit;
    if (this.history) this.update(this.history);
  }

  update(history) {
    this.history = history;
    const { series } = history;
    const has_offload = series["offloaded-packets"]?.some((packets) => packets > 0);
    const offloaded = last_known(series["offloaded-packets"]);
    const both = ["packets-to-ipv6", "packets-to-ipv4"].map((name) => last_known(series[name]) ?? 0).reduce((a, b) => a + b);
    this.throughput.extra = !has_offload || offloaded === null || both === 0 ? null : t("offload-share", { share: percent(Math.min(1, offloaded / both)) });
    for (const graph of this.graphs) graph.update(history);
  }

  // Colours are drawn, so they have to be drawn again in another theme.
  redraw() {
    for (const graph of this.graphs) graph.shape = null;
    if (this.history) this.update(this.history);
  }

  destroy() {
    for (const graph of this.graphs) graph.destroy();
  }
}

// A few buttons of which one is pressed.
export function choice(label, values, chosen, on_choose) {
  const buttons = values.map(([value, text]) => h("button", { type: "button", "aria-pressed": String(value === chosen), onclick: () => {
    for (const [i, button] of buttons.entries()) button.setAttribute("aria-pressed", String(values[i][0] === value));
    on_choose(value);
  } }, text));
  return h("div", { class: "choice", role: "group", "aria-label": label }, buttons);
}
