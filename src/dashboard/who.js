// The search box: who had this address and port at that time, or what a subscriber used (GET /v1/who).

import { Refused, get } from "./api.js";
import { h, put, table } from "./dom.js";
import { t } from "./i18n.js";
import { grouped, time } from "./format.js";

const kProtocols = ["udp", "tcp", "icmp"];
const kIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/;
const kDate = /^\d{4}-\d{2}-\d{2}/;
const kMostOfSubscriber = 200;
const kNatLog = "nat-log:\n  keep-days: 180";

// "198.51.100.2 2000 udp 2026-11-21 12:03" in any order after the address; also "198.51.100.2:2000", "±60" for clocks
// that differ, and a time with its zone ("2026-11-21T12:03:00Z", "+09:00"). Without a zone it is the reader's own. An IPv6
// address or prefix is a subscriber's. {address, port, protocol, time, skew}, or {error}: a key of the texts.
export function parse_question(text) {
  const question = {};
  const when = [];
  for (const word of text.trim().split(/[\s,]+/).filter(Boolean)) {
    const with_port = word.match(/^\[?([0-9a-f.:]+?)\]?:(\d+)$/i);
    if (!question.address && with_port && (kIpv4.test(with_port[1]) || word.startsWith("["))) [, question.address, question.port] = with_port;
    else if (!question.address && (kIpv4.test(word) || /^[0-9a-f]*:[0-9a-f:.]*(\/\d+)?$/i.test(word))) question.address = word;
    else if (kProtocols.includes(word.toLowerCase())) question.protocol = word.toLowerCase();
    else if (/^(±|\+-)\d+$/.test(word)) question.skew = word.replace(/^(±|\+-)/, "");
    else if (/^\d+$/.test(word) && question.port === undefined && when.length === 0) question.port = word;
    else when.push(word);
  }
  if (!question.address) return { error: "who-no-address" };
  if (question.port === undefined && kIpv4.test(question.address)) return { error: "who-no-port" };
  if (question.port !== undefined && Number(question.port) > 65535) return { error: "who-no-port" };
  if (when.length) {
    const at = parse_time(when.join(" "));
    if (!at) return { error: "who-no-time" };
    question.time = at;
  }
  return question;
}

function parse_time(text) {
  const day = kDate.test(text) ? text : `${new Date().toLocaleDateString("sv")} ${text}`;
  const at = new Date(day.replace(/^(\S+) (\d)/, "$1T$2").replace(/ (?=(Z|UTC|JST|[+-]\d))/i, "").replace(/UTC$/i, "Z").replace(/JST$/i, "+09:00"));
  return Number.isNaN(at.getTime()) ? null : at.toISOString().replace(/\.000Z$/, "Z");
}

const is_subscriber = (question) => question.address.includes(":");

// What the daemon is asked: of a subscriber all that it used, or what it had at that time.
function parameters_of({ address, time: at, skew = 0, ...question }) {
  if (!address.includes(":")) return { address, ...question, ...(at && { time: at }), ...(skew && { skew }) };
  const moved = (seconds) => new Date(Date.parse(at) + seconds * 1000).toISOString();
  return { subscriber: address, limit: kMostOfSubscriber, ...(at && { from: moved(-skew), until: moved(Number(skew)) }) };
}

function gap_text(gap) {
  const times = { from: time(gap.from), until: time(gap.until) };
  if (gap.why === "before-log") return t("who-before-log", times);
  if (gap.why === "not-running") return t("who-not-running", times);
  return gap.lost ? t("who-gap", { ...times, lost: grouped(gap.lost) }) : t("who-gap-some", times);
}

function inside_of(answer) {
  if (!answer.inside) return h("span", { class: "quiet" }, t("who-no-inside"));
  if (answer["inside-port"] === null) return answer.inside;
  return `${answer.inside.includes(":") ? `[${answer.inside}]` : answer.inside}:${answer["inside-port"]}`;
}

function row(answer) {
  return [h("span", {}, h("b", { class: "mono" }, answer.subscriber), answer.note && h("span", { class: "sub", lang: "en" }, answer.note)),
    inside_of(answer), `${answer.outside} ${answer["outside-ports"]}`, answer.protocol ?? t("any-protocol"),
    answer.from ? time(answer.from) : t("since-ever"), answer.until ? time(answer.until) : t("until-now"),
    h("span", {}, t(`how-${answer.how}`), h("span", { class: "sub" }, `${answer.instance} · ${answer.mechanism}`))];
}

export class Who {
  constructor(on_unauthorized) {
    this.on_unauthorized = on_unauthorized;
    this.input = h("input", { type: "search", id: "who", autocomplete: "off", spellcheck: "false", placeholder: "198.51.100.2 2000 udp 2026-11-21 12:03",
      "aria-describedby": "who-help" });
    this.form = h("form", { class: "who-form", role: "search", onsubmit: (event) => { event.preventDefault(); this.ask(); } },
      h("label", { for: "who" }, t("who")), this.input, h("button", { type: "submit" }, t("ask")),
      h("span", { id: "who-help", class: "hidden" }, t("who-help")));
    this.body = h("div");
    this.heading = h("h2", { tabindex: "-1" }, t("who-answer"));
    this.element = h("section", { class: "panel who-answer", hidden: true, onkeydown: (event) => event.key === "Escape" && this.close() },
      h("div", { class: "panel-head" }, this.heading, h("button", { type: "button", onclick: () => this.close() }, t("close"))), this.body);
  }

  close() {
    this.element.hidden = true;
    this.input.focus();
  }

  async ask() {
    const question = parse_question(this.input.value);
    this.element.hidden = false;
    if (question.error) return this.say(h("p", { class: "warn-text" }, t(question.error)), h("p", { class: "quiet" }, t("who-help")));
    this.say(h("p", { class: "quiet" }, t("asking")));
    try {
      const answer = await get(`/v1/who?${new URLSearchParams(parameters_of(question))}`);
      this.show(question, answer);
    } catch (error) {
      if (!(error instanceof Refused)) return this.say(h("p", { class: "warn-text" }, t("no-answer")));
      if (error.status === 401) return this.on_unauthorized();
      if (error.status === 409) return this.say(h("p", { class: "warn-text" }, t("who-no-log")), h("p", {}, t("who-no-log-fix")), h("pre", {}, kNatLog));
      this.say(h("p", { class: "warn-text" }, t(error.status < 500 ? "who-refused" : "who-failed")),
        h("p", { class: "quiet", lang: "en" }, [error.what, error.fix].filter(Boolean).join(" – ")));
    }
  }

  say(...content) {
    put(this.body, ...content);
    this.heading.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  show(question, answer) {
    const at = question.time || !is_subscriber(question) ? time(question.time ?? new Date().toISOString()) : t("who-all-times");
    const asked = [question.address, question.port, question.protocol, at, question.skew && `±${question.skew} s`].filter(Boolean).join(" · ");
    const is_cut = is_subscriber(question) && answer.answers.length === kMostOfSubscriber;
    this.say(h("p", { class: "mono quiet" }, asked),
      table(t("who-answer"), [{ title: t("subscriber") }, { title: t("inside"), mono: true }, { title: t("outside-ports"), mono: true }, { title: t("protocol") },
        { title: t("from") }, { title: t("until") }, { title: t("how-known") }], answer.answers.map(row), t(is_subscriber(question) ? "who-nothing" : "who-nobody")),
      is_cut && h("p", { class: "quiet" }, t("who-first", { count: grouped(kMostOfSubscriber) })),
      answer.gaps.map((gap) => h("p", { class: "warn-text" }, gap_text(gap))));
  }
}
