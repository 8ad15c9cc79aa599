// The doctor's note: what runs, what is wrong, since when.

import { h, put } from "./dom.js";
import { reason_text, t } from "./i18n.js";
import { age, grouped, percent, rate, short, time } from "./format.js";

// Drops that mean that customers are turned away for want of something.
const kShortages = ["no-port", "table-full", "subscriber-limit", "reassembly-no-room"];
const kBusy = 0.9;
const kSilentSamples = 5;

const finding = (level, instance, text, since, is_quoted) => ({ level, instance, text, since, is_quoted });

function of_instance(instance) {
  const found = [];
  if (instance.failure) found.push(finding("bad", instance.name, instance.failure, null, true));
  for (const what of instance.nat?.["short-of"] ?? []) found.push(finding("warn", instance.name, t("short-of", { what: t(`short-${what}`) })));
  return found;
}

function of_log(log) {
  const found = [];
  for (const receiver of log?.receivers ?? []) {
    if (receiver.error) found.push(finding("bad", null, t("log-error", { name: receiver.name, error: receiver.error }), receiver.since));
    if (receiver.remark) found.push(finding("warn", null, t("log-remark", { name: receiver.name, remark: receiver.remark })));
    if (receiver.lost > 0) found.push(finding("warn", null, t("log-lost", { name: receiver.name, count: grouped(receiver.lost) })));
  }
  if (log?.missed > 0) found.push(finding("warn", null, t("log-missed", { count: grouped(log.missed) })));
  return found;
}

function of_services(services) {
  return services.flatMap((service) => service.servers.filter((server) => !server.up).map((server) =>
    finding("bad", service.instance, t("server-down", { server: `${server.address}:${server.port}`, why: server.failure ? `: ${server.failure}` : "" }), server.since)));
}

function of_workers(name, history) {
  return (history?.workers ?? []).flatMap((worker, i) => {
    const newest = worker.busy.slice(-kSilentSamples);
    if (newest.length === kSilentSamples && newest.every((busy) => busy === null)) return [finding("bad", name, t("worker-silent", { n: i }))];
    if (newest.length && newest.every((busy) => busy !== null && busy > kBusy))
      return [finding("warn", name, t("worker-busy", { n: i, share: percent(newest.at(-1)) }))];
    return [];
  });
}

function of_drops(rates) {
  return Object.entries(rates).flatMap(([instance, reasons]) => kShortages
    .filter((reason) => reasons.drops?.[reason] > 0)
    .map((reason) => finding("warn", instance, t("drops-now", { reason: reason_text("drops", reason).help, rate: rate(reasons.drops[reason]) }))));
}

export function findings({ status, services, offload, history, rates, shown }) {
  return [
    ...status.instances.flatMap(of_instance),
    ...of_services(services),
    ...of_workers(shown, history),
    ...of_log(status["nat-log"]),
    ...status.warnings.map((warning) => finding("warn", null, warning, null, true)),
    ...(offload?.instances ?? []).filter((each) => each.state === "refused").map((each) => finding("warn", each.instance, t("offload-refused", { why: each.refusal }))),
    ...of_drops(rates),
  ].sort((a, b) => (a.level === "bad" ? 0 : 1) - (b.level === "bad" ? 0 : 1));
}

export class Note {
  constructor() {
    this.element = h("section", { class: "note", "aria-label": t("state") });
  }

  update(state) {
    const { status } = state;
    const found = findings(state);
    const level = found[0]?.level ?? "good";
    const headline = level === "good" ? t("all-well", { count: status.instances.length }) : t("wrong-count", { count: found.length });
    put(this.element,
      h("p", { class: `headline ${level}` }, h("span", { class: "mark", "aria-hidden": "true" }, { good: "✓", warn: "!", bad: "✕" }[level]), headline),
      h("ul", { class: "findings" }, found.map((each) => h("li", { class: each.level },
        h("span", { class: "level" }, t(each.level)), each.instance && h("b", {}, each.instance),
        h("span", each.is_quoted ? { lang: "en" } : {}, each.text),
        each.since && h("span", { class: "quiet" }, t("since", { time: time(each.since), age: age(each.since) }))))),
      h("p", { class: "facts" }, facts(status).map((text) => h("span", {}, text))));
  }
}

function facts(status) {
  const list = [t("running-since", { time: time(status.since), age: age(status.since) })];
  if (status.reloaded) list.push(t("reloaded", { time: time(status.reloaded) }));
  list.push(`yonroku ${status.version}`, t("process", { id: status["process-id"] }));
  for (const receiver of status["nat-log"]?.receivers ?? [])
    list.push(t("log-receiver", { name: receiver.name, written: short(receiver.written), waiting: short(receiver.waiting) }));
  return list;
}
