// What matters of each mechanism: a customer edge's ports, a border's rules and checks, a NAT's pool, mappings, services.

import { Refused, all_of, get, visit } from "./api.js";
import { h, meter, panel, put, table } from "./dom.js";
import { t } from "./i18n.js";
import { age, grouped, short } from "./format.js";
import { columns, reason_rows } from "./losses.js";
import { PortMap, parse_range } from "./portmap.js";

const kEdges = ["map-e-ce", "lwb4", "map-t-ce"];
const kNats = ["nat64", "ds-lite-aftr"];
const kRuleBorders = ["map-e-br", "map-t-br"];
const kSoftwireBorders = ["lwaftr", "4over6"];
const kMostBindings = 200_000;     // of a customer edge: three protocols of 65,536 ports
const kMostAddresses = 1024;       // listed without being asked
const kSearchSeconds = 60;
const kMostOfTheTime = 0.05;        // that a worker's tables are gone through for the busiest
const kShownAddresses = 64;
const kMatches = 100;

// Of a border: what says that a source is not who it says it is, or a destination nobody's.
const kChecks = ["source-spoofed", "source-not-ours", "not-encapsulated", "no-softwire", "port-not-assigned",
  "destination-not-ours", "inbound-icmp", "source-not-mapped", "destination-not-mapped"];

const path_of = (instance, what) => `/v1/instances/${encodeURIComponent(instance.name)}/${what}`;
const protocols = ["udp", "tcp", "icmp"];
const used_by_protocol = (used, ports) => protocols.map((protocol) => meter(used[protocol], ports, grouped(used[protocol])));

// --- A customer edge -------------------------------------------------------------------------------------------

class Edge {
  constructor(instance) {
    this.instance = instance;
    this.map = new PortMap();
    this.facts = h("div");
    this.ranges = h("div");
    this.hosts = h("div");
    this.statics = h("div");
    this.element = panel(t("port-set"), null, this.facts,
      h("div", { class: "edge" },
        h("div", {}, this.map.element, h("h3", {}, t("top-hosts")), this.hosts),
        h("div", {}, this.ranges, h("h3", {}, t("static-bindings")), this.statics)));
  }

  async fetch(signal) {
    const { entries: ports } = await all_of(path_of(this.instance, "ports"), "ports", kMostAddresses, signal);
    const { entries } = await all_of(path_of(this.instance, "bindings"), "bindings", kMostBindings, signal);
    const [address] = ports;
    if (!address) return;
    const detail = await get(`${path_of(this.instance, "ports")}?outside=${address.address}&used-ranges=yes`);
    this.show(ports, entries.filter((each) => each.outside === address.address), entries, detail.ports[0] ?? address);
  }

  show(ports, bindings, all, address) {
    const ranges = (address["port-ranges"] ?? ["1-65535"]).map(parse_range);
    const used = Object.values(address["used-ranges"] ?? {}).flat().map(parse_range);
    this.map.update(ranges, bindings, used);
    put(this.facts, h("dl", { class: "pairs inline" },
      pair(t("address"), h("b", { class: "mono" }, address.address)),
      address["psid-length"] !== undefined && pair(t("psid-parameters"), `${address["psid-offset"]} / ${address["psid-length"]} / ${address.psid}`),
      pair(t("ports-each"), grouped(address.ports)),
      protocols.map((protocol) => pair(protocol.toUpperCase(), meter(address.used[protocol], address.ports, `${grouped(address.used[protocol])} / ${grouped(address.ports)}`)))));
    put(this.ranges, this.map.ranges_table(ranges, (...use) => meter(...use, "good")));
    put(this.hosts, table(t("top-hosts"), [{ title: t("host"), mono: true }, { title: t("bindings"), number: true }, { title: t("sessions"), number: true }],
      top_hosts(all), t("no-bindings")));
    put(this.statics, table(t("static-bindings"), [{ title: t("protocol") }, { title: t("outside"), mono: true }, { title: t("inside"), mono: true }],
      all.filter((each) => each.static).map((each) => [each.protocol, `${each.outside}:${each["outside-port"]}`, `${each["inside-ipv4"] ?? each.inside}:${each["inside-port"]}`]),
      t("no-static-bindings")));
  }

  redraw() {
    this.map.draw();
  }
}

function pair(term, ...definition) {
  return h("div", {}, h("dt", {}, term), h("dd", {}, ...definition));
}

function top_hosts(bindings) {
  const hosts = new Map();
  for (const each of bindings) {
    const name = each["inside-ipv4"] ?? each.inside ?? "";
    const host = hosts.get(name) ?? { bindings: 0, sessions: 0 };
    host.bindings += 1;
    host.sessions += each.sessions;
    hosts.set(name, host);
  }
  return [...hosts].sort(([, a], [, b]) => b.bindings - a.bindings).slice(0, 10)
    .map(([name, host]) => [name, grouped(host.bindings), grouped(host.sessions)]);
}

// --- A NAT with a pool -----------------------------------------------------------------------------------------

class Pool {
  constructor(instance) {
    this.instance = instance;
    this.facts = h("div");
    this.addresses = h("div");
    this.busiest = h("div");
    this.next_search = 0;
    this.ask = h("button", { type: "button", hidden: true, onclick: () => { this.is_asked = true; this.fetch_addresses().catch(() => {}); } }, t("ask-now"));
    this.element = panel(t("pool"), this.ask, this.facts, h("div", { class: "columns" },
      h("div", {}, h("h3", {}, t("pool-addresses")), this.addresses), h("div", {}, h("h3", {}, t("busiest-subscribers")), this.busiest)));
  }

  update(instance) {
    this.instance = instance;
    const { nat } = instance;
    if (!nat) return;
    const sessions = protocols.reduce((sum, protocol) => sum + nat.sessions[protocol], 0);
    put(this.facts, h("dl", { class: "pairs inline" },
      pair(t("subscribers"), grouped(nat.subscribers)),
      pair(t("sessions"), meter(sessions, nat["max-sessions"], `${grouped(sessions)} / ${grouped(nat["max-sessions"])}`)),
      protocols.map((protocol) => pair(t("ports-of", { protocol: protocol.toUpperCase() }),
        meter(nat["used-ports"][protocol], nat.ports, `${grouped(nat["used-ports"][protocol])} / ${short(nat.ports)}`))),
      nat["port-blocks"] && pair(t("port-blocks"), meter(nat["used-port-blocks"], nat["port-blocks"], `${grouped(nat["used-port-blocks"])} / ${grouped(nat["port-blocks"])}`)),
      pair(t("resting-ports"), grouped(nat["resting-ports"])),
      nat["short-of"].length > 0 && pair(t("short-of-head"), h("b", { class: "bad-text" }, nat["short-of"].map((what) => t(`short-${what}`)).join(", ")))));
  }

  async fetch() {
    await Promise.all([this.fetch_addresses(), this.fetch_busiest()]);
  }

  async fetch_addresses() {
    const is_small = (this.instance.nat?.addresses ?? 0) <= kMostAddresses;
    this.ask.hidden = is_small;
    if (!is_small && !this.is_asked) {
      if (this.addresses.childElementCount === 0) put(this.addresses, h("p", { class: "quiet" }, t("large-pool")));
      return;
    }
    this.is_asked = false;
    const { ports } = await get(`${path_of(this.instance, "ports")}?busiest=0`);
    const load = (address) => Math.max(...protocols.map((protocol) => address.used[protocol])) / address.ports;
    const shown = ports.sort((a, b) => load(b) - load(a)).slice(0, kShownAddresses);
    put(this.addresses, table(t("pool-addresses"),
      [{ title: t("address"), mono: true }, ...protocols.map((protocol) => ({ title: protocol.toUpperCase() }))],
      shown.map((address) => [address.address, ...used_by_protocol(address.used, address.ports)]), t("no-addresses")),
      ports.length > shown.length && h("p", { class: "quiet" }, t("and-more", { count: grouped(ports.length - shown.length) })));
  }

  // Of millions of subscribers the search takes seconds, so it is not begun again at once.
  async fetch_busiest() {
    const begin = performance.now();
    if (begin < this.next_search) return;
    this.next_search = Infinity;
    try {
      const { subscribers } = await get(`${path_of(this.instance, "subscribers")}?sort=sessions&limit=10`, kSearchSeconds);
      this.show_busiest(subscribers);
    } finally {
      this.next_search = performance.now() + (performance.now() - begin) / kMostOfTheTime;
    }
  }

  show_busiest(subscribers) {
    put(this.busiest, table(t("busiest-subscribers"),
      [{ title: t("subscriber"), mono: true }, { title: t("outside"), mono: true }, { title: t("bindings"), number: true }, { title: t("sessions"), number: true }],
      subscribers.map((each) => [each.subscriber, each.outside, grouped(each.bindings), grouped(each.sessions)]), t("no-subscribers")));
  }
}

// --- Tables: rules, softwires, mappings ------------------------------------------------------------------------

const kTables = {
  rules: [["ipv6-prefix", true], ["ipv4-prefix", true], ["ea-length"], ["psid-offset"], ["format"]],
  softwires: [["ipv4", true], ["psid"], ["psid-length"], ["b4-address", true], ["br-address", true]],
  mappings: [["ipv4", true], ["ipv6", true]],
};

// A list that may have millions of entries: read until there are enough that fit what is searched for.
class SearchedTable {
  constructor(instance, kind) {
    this.instance = instance;
    this.kind = kind;
    this.input = h("input", { type: "search", id: `find-${kind}`, autocomplete: "off", spellcheck: "false", placeholder: t(`find-${kind}-example`) });
    this.form = h("form", { class: "find", role: "search", onsubmit: (event) => { event.preventDefault(); this.find(); } },
      h("label", { for: `find-${kind}` }, t(`find-${kind}`)), this.input, h("button", { type: "submit" }, t("find")));
    this.result = h("div", { "aria-live": "polite" });
    this.count = h("span", { class: "extra" });
    this.element = panel(t(kind), this.count, this.form, this.result);
  }

  update(instance) {
    this.count.textContent = grouped(instance.mappings);
    if (this.found_of === instance.mappings) return;
    this.found_of = instance.mappings;
    this.find();
  }

  async find() {
    this.stop?.abort();
    const stop = this.stop = new AbortController();
    const wanted = this.input.value.trim().toLowerCase();
    const found = [];
    let looked_at = 0;
    let is_whole = true;
    try {
      await visit(path_of(this.instance, this.kind), stop.signal, (entry) => {
        ++looked_at;
        const fits = !wanted || Object.values(entry).some((value) => String(value).includes(wanted));
        if (fits && found.length === kMatches) return (is_whole = false);
        if (fits) found.push(entry);
        return true;
      });
    } catch (error) {
      if (error.name !== "AbortError") put(this.result, h("p", { class: "warn-text" }, error instanceof Refused ? error.what : t("no-answer")));
      return;
    }
    const shown = kTables[this.kind].filter(([name]) => found.some((entry) => entry[name] !== undefined));
    put(this.result, table(t(this.kind), shown.map(([name, is_mono]) => ({ title: t(`column-${name}`), mono: is_mono, number: !is_mono && name !== "format" })),
      found.map((entry) => shown.map(([name]) => entry[name] ?? "–")), wanted ? t("nothing-found") : t("table-empty")),
      h("p", { class: "quiet" }, is_whole ? t("found-all", { count: grouped(found.length) }) : t("found-first", { count: grouped(found.length), looked: grouped(looked_at) })));
  }

  destroy() {
    this.stop?.abort();
  }
}

// --- A border's checks -----------------------------------------------------------------------------------------

class Checks {
  constructor(instance) {
    this.instance = instance;
    this.drops = kChecks;
    this.body = h("div");
    this.spoofers = h("div");
    this.element = panel(t("checks"), null, this.body, this.spoofers);
  }
  async fetch() {
    const { spoofers } = await get(path_of(this.instance, "spoofers"));
    put(this.spoofers, h("h3", {}, t("spoofers")), table(t("spoofers"),
      [{ title: t("outer-source"), mono: true }, { title: t("packets"), number: true }, { title: t("last-seen"), number: true }],
      spoofers.map((each) => [each.source, each.packets === each["at-least"] ? grouped(each.packets) : `${grouped(each["at-least"])}–${grouped(each.packets)}`,
        t("seconds-ago", { seconds: grouped(each["seconds-ago"]) })]), t("no-spoofers")));
  }
  update(_, counters, rates) {
    if (!counters) return;
    const drops = Object.fromEntries(kChecks.map((name) => [name, counters.drops[name] ?? 0]));
    put(this.body, table(t("checks"), columns(t("check")), reason_rows("drops", drops, rates?.drops, counters["drop-details"]), t("all-checks-pass")));
  }
}

// --- A load balancer's services --------------------------------------------------------------------------------

class Services {
  constructor(instance) {
    this.instance = instance;
    this.body = h("div");
    this.element = panel(t("services"), null, this.body);
  }
  async fetch() {
    const { services } = await get(path_of(this.instance, "services"));
    put(this.body, services.flatMap((service) => [
      h("h3", { class: "mono" }, `${service.protocol} [${service.vip}]:${service.port}`),
      table(`${service.vip} ${service.port}`, [{ title: t("server"), mono: true }, { title: t("health") }, { title: t("weight"), number: true }, { title: t("flows"), number: true }, { title: t("health-checks"), wide: true }],
        service.servers.map((server) => [`${server.address}:${server.port}`, health(server), grouped(server.weight), grouped(server.flows),
          server.checks === undefined ? t("not-checked") : h("span", {}, t("checks-failed", { checks: grouped(server.checks), failed: grouped(server["failed-checks"]) }),
            server.failure && h("span", { class: "sub", lang: "en" }, server.failure))]), t("no-servers"))]),
      services.length === 0 && h("p", { class: "quiet" }, t("no-services")));
  }
}

function health(server) {
  const [level, word] = !server.up ? ["bad", "down"] : server.weight === 0 ? ["warn", "drained"] : ["good", "up"];
  return h("span", {}, h("span", { class: `state ${level}` }, t(word === "down" ? "server-down-word" : `server-${word}`)), server.since && h("span", { class: "sub" }, t("for-so-long", { age: age(server.since) })));
}

// What this instance's mechanism shows, in order. Each has an element, and may have update(instance, counters, rates),
// fetch(signal), redraw(), destroy(), and `drops`: the reasons that it tells about.
export function views_of(instance) {
  const { mechanism } = instance;
  const views = [];
  if (kEdges.includes(mechanism)) views.push(new Edge(instance));
  if (kNats.includes(mechanism)) views.push(new Pool(instance));
  if (mechanism === "slb64") views.push(new Services(instance), ...(instance.nat ? [new Pool(instance)] : []));
  if ([...kRuleBorders, ...kSoftwireBorders, "ipip", "ds-lite-b4"].includes(mechanism)) views.push(new Checks(instance));
  if (kRuleBorders.includes(mechanism)) views.push(new SearchedTable(instance, "rules"));
  if (kSoftwireBorders.includes(mechanism)) views.push(new SearchedTable(instance, "softwires"));
  if (["siit", "clat"].includes(mechanism)) views.push(new SearchedTable(instance, "mappings"));
  return views;
}
