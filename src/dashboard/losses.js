// What is not forwarded and why, and what the kernel forwards by itself.

import { h, meter, panel, put, table } from "./dom.js";
import { reason_text, t } from "./i18n.js";
import { grouped, percent, rate, short } from "./format.js";

// Rates of counters that only grow, from two answers. A counter that is smaller than before began anew.
export class Rates {
  constructor() {
    this.per_second = {};
  }
  update(counts, now = performance.now()) {
    if (this.before) {
      const seconds = (now - this.before.now) / 1000;
      const rates = (new_counts, old_counts) => Object.fromEntries(Object.entries(new_counts).map(([name, count]) =>
        typeof count === "object" ? [name, rates(count, old_counts?.[name] ?? {})]
          : [name, old_counts?.[name] === undefined || count < old_counts[name] ? 0 : (count - old_counts[name]) / seconds]));
      this.per_second = rates(counts, this.before.counts);
    }
    this.before = { counts, now };
  }
}

const by_rate = (a, b) => b.rate - a.rate || b.count - a.count;

// What was dropped, in one line: {"to-ipv6": {udp: 5}}.
function kinds(directions) {
  const name = (protocol) => (protocol === "other" ? t("other-protocol") : protocol.toUpperCase());
  return Object.entries(directions).map(([direction, counts]) =>
    `${t(direction)}: ${Object.entries(counts).map(([protocol, count]) => `${name(protocol)} ${grouped(count)}`).join(", ")}`).join(" · ");
}

// `details` says of a reason which packets they were, where that is known.
export function reason_rows(kind, counts, rates, details) {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => ({ name, count, rate: rates?.[name] ?? 0 }))
    .sort(by_rate)
    .map(({ name, count, rate: now }) => {
      const { help, cited } = reason_text(kind, name);
      return [h("span", {}, h("span", {}, help), h("span", { class: "sub" }, h("code", {}, name), cited ? ` · ${cited}` : ""),
        details?.[name] && h("span", { class: "sub" }, kinds(details[name]))),
        h("span", { class: now > 0 ? "now" : "quiet" }, rate(now)), grouped(count)];
    });
}

export const columns = (title) => [{ title, wide: true }, { title: t("now"), number: true }, { title: t("total"), number: true }];

// `elsewhere`: reasons that another panel has.
export class Drops {
  constructor(elsewhere = []) {
    this.elsewhere = elsewhere;
    this.title = t(elsewhere.length ? "other-drops" : "drops");
    this.body = h("div");
    this.element = panel(this.title, null, this.body);
  }
  update(counters, rates) {
    if (!counters) return;
    const drops = Object.fromEntries(Object.entries(counters.drops).filter(([name]) => !this.elsewhere.includes(name)));
    put(this.body, table(this.title, columns(t("reason")), reason_rows("drops", drops, rates?.drops, counters["drop-details"]), t("no-drops")));
  }
}

export class Offload {
  constructor() {
    this.body = h("div");
    this.element = panel(t("offload"), null, this.body);
  }

  // `counters`: what the instance received, offloaded packets not among them.
  update(offload, name, rates) {
    const instance = offload?.instances.find((each) => each.instance === name);
    if (!instance) return;
    if (instance.state === "off") return put(this.body, h("p", { class: "quiet" }, t("offload-off")));
    const hits = (place) => instance[place]["to-ipv6"].packets + instance[place]["to-ipv4"].packets;
    const is_used = (place) => hits(place) + sum(instance[place].misses) > 0 || offload.interfaces.some((each) => each.places.includes(place));
    const places = ["xdp", "tc"].filter((place) => instance[place] && is_used(place));
    const all_hits = places.reduce((sum, place) => sum + hits(place), 0);
    const misses = {};
    for (const place of places)
      for (const [miss, count] of Object.entries(instance[place].misses)) misses[miss] = (misses[miss] ?? 0) + count;
    const miss_rates = Object.fromEntries(Object.keys(misses).map((miss) => [miss, places.reduce((sum, place) => sum + (rates?.[place]?.misses?.[miss] ?? 0), 0)]));
    // What XDP leaves, tc gets too: only the last place's misses reach the engine.
    const last = places.filter((place) => hits(place) + sum(instance[place].misses) > 0).at(-1) ?? places.at(-1);
    const to_engine = last ? sum(instance[last].misses) : 0;
    const share = all_hits + to_engine > 0 ? all_hits / (all_hits + to_engine) : null;
    put(this.body,
      instance.state === "refused" && h("p", { class: "warn-text", lang: "en" }, instance.refusal),
      h("p", {}, meter(all_hits, all_hits + to_engine, t("hit-share", { share: percent(share) }), "good")),
      h("dl", { class: "pairs" }, places.flatMap((place) => [h("dt", {}, place === "xdp" ? "XDP" : "tc"),
        h("dd", {}, t("place-hits", { packets: grouped(hits(place)), octets: short(instance[place]["to-ipv6"].octets + instance[place]["to-ipv4"].octets, "B") }))]),
      offload.interfaces.filter((each) => each.interface !== "lo").flatMap((each) => [h("dt", { class: "mono" }, each.interface),
        h("dd", {}, each.places.length ? each.places.join(" → ") : t("nothing-here"), each.why && h("span", { class: "sub", lang: "en" }, each.why))])),
      h("h3", {}, t("misses")),
      table(t("misses"), columns(t("reason")), reason_rows("offload-misses", misses, miss_rates), t("no-misses")));
  }
}

const sum = (counts) => Object.values(counts).reduce((a, b) => a + b, 0);
