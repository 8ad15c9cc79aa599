// The operator's page: asks the daemon each second, and shows what it said.

import { Refused, Unreachable, forget_token, get, has_token, set_token } from "./api.js";
import { Graphs, choice, kSpans } from "./charts.js";
import { h, put } from "./dom.js";
import { clock, time } from "./format.js";
import { joined } from "./history.js";
import { kLanguages, language, set_language, set_words, t } from "./i18n.js";
import { Drops, Offload, Rates } from "./losses.js";
import { views_of } from "./mechanism.js";
import { Note } from "./note.js";
import { Who } from "./who.js";

const kThemes = ["auto", "light", "dark"];
const kLongestWait = 5000;  // milliseconds, while nobody answers
const element = (id) => document.getElementById(id);

const state = { status: null, counters: null, offload: null, history: null, services: [], span: Number(localStorage.getItem("yonroku.span")) || kSpans[0] };
const drop_rates = new Rates();
const offload_rates = new Rates();
let page = null;  // what is shown of the instance that is chosen

// --- Which instance --------------------------------------------------------------------------------------------

const wanted_name = () => decodeURIComponent(location.hash.slice(1));
const chosen = () => state.status?.instances.find((each) => each.name === wanted_name()) ?? (wanted_name() ? null : state.status?.instances[0]);

// --- What is asked, and how often ------------------------------------------------------------------------------

const by_name = (list, key) => Object.fromEntries(list.map((each) => [each[key], each]));

const history_job = {
  seconds: () => (state.span === kSpans[0] ? 1 : state.span === kSpans[1] ? 10 : 60),
  of_instance: true,
  run: async (name) => {
    const old = state.history?.of === name && state.history.span === state.span ? state.history : null;
    const question = new URLSearchParams({ instance: name, span: state.span, ...(old && { since: old.end }) });
    const history = joined(old, await get(`/v1/history?${question}`));
    if (history !== old) state.history = history && { ...history, of: name };
  },
};

const jobs = [
  { seconds: 2, run: async () => { state.status = await get("/v1/status"); } },
  { seconds: 2, run: async () => {
    const { instances } = await get("/v1/counters");
    state.counters = by_name(instances, "name");
    drop_rates.update(Object.fromEntries(instances.map((each) => [each.name, { drops: each.drops }])));
  } },
  { seconds: 2, run: async () => {
    state.offload = await get("/v1/offload");
    offload_rates.update(Object.fromEntries(state.offload.instances.map(({ instance, xdp, tc }) => [instance, Object.fromEntries(Object.entries({ xdp, tc }).filter(([, place]) => place))])));
  } },
  { seconds: 5, run: async () => { state.services = state.status?.instances.some((each) => each.mechanism === "slb64") ? (await get("/v1/services")).services : []; } },
  history_job,
  { seconds: 5, of_instance: true, run: async () => {
    const stop = AbortSignal.timeout(30_000);
    await Promise.all((page?.views ?? []).map((view) => view.fetch?.(stop)));
  } },
];

// What the daemon refuses is the matter of one panel, but for a token that is missing.
async function run(job, name) {
  try {
    await job.run(name);
    job.refused = null;
  } catch (error) {
    if (error instanceof Unreachable || error.status === 401) throw error;
    if (!(error instanceof Refused) && error.name !== "AbortError" && error.name !== "TimeoutError") throw error;
    job.refused = error;
  }
}

async function ask_all() {
  const now = performance.now();
  const is_due = (job) => now - (job.asked ?? -Infinity) >= (typeof job.seconds === "function" ? job.seconds() : job.seconds) * 1000 - 100;
  const due = jobs.filter((job) => is_due(job) && !job.is_running);
  const start = (job) => {
    const name = chosen()?.name;
    if (job.of_instance && !name) return null;
    job.asked = now;
    job.is_running = true;
    return run(job, name).finally(() => { job.is_running = false; });
  };
  // The first answer says which instance is the first.
  if (!state.status) await start(jobs[0]);
  if (!page) build_page();
  const failed = (await Promise.allSettled(due.filter((job) => job !== jobs[0] || !job.asked || job.asked < now).map(start))).find((each) => each.status === "rejected");
  if (failed) throw failed.reason;
}

let misses = 0;

async function beat() {
  let wait = 1000;
  try {
    if (document.visibilityState === "visible" && !is_asking_for_token) await ask_all();
    if (!is_asking_for_token) {
      if (misses > 0) again();
      misses = 0;
      state.answered = new Date();
      update();
    }
  } catch (error) {
    if (error.status === 401) ask_for_token();
    else if (error instanceof Unreachable) {
      wait = Math.min(kLongestWait, 1000 * 2 ** misses++);
      show_unreachable();
    } else {
      setTimeout(beat, kLongestWait);
      throw error;
    }
  }
  setTimeout(beat, wait);
}

// Everything at once when somebody looks again, or something else.
function again() {
  for (const job of jobs) job.asked = undefined;
}

// --- What is shown ---------------------------------------------------------------------------------------------

const note = { current: null };
let who = null;

function build_head() {
  const old_question = who?.input.value ?? "";
  who = new Who(ask_for_token);
  who.input.value = old_question;
  element("skip").textContent = t("skip");
  element("head").replaceChildren(
    h("div", { class: "brand" }, h("h1", {}, "yonroku"), h("span", { class: "live", id: "live" })),
    who.form,
    h("div", { class: "switches" },
      picker("theme", t("theme"), kThemes.map((theme) => [theme, t(`theme-${theme}`)]), document.documentElement.dataset.theme, choose_theme),
      picker("language", t("language"), Object.entries(kLanguages), language(), choose_language)));
}

function picker(id, label, values, chosen_value, on_choose) {
  const select = h("select", { id, "aria-label": label, onchange: () => on_choose(select.value) },
    values.map(([value, text]) => h("option", { value, selected: value === chosen_value }, text)));
  return select;
}

function choose_theme(theme) {
  document.documentElement.dataset.theme = theme;
  localStorage.setItem("yonroku.theme", theme);
  redraw();
}

function choose_language(chosen_language) {
  set_language(chosen_language);
  build_all();
  element("language").focus();
}

function redraw() {
  page?.graphs?.redraw();
  for (const view of page?.views ?? []) view.redraw?.();
}

function build_all() {
  document.documentElement.lang = language();
  document.title = "yonroku";
  build_head();
  if (state.status) {
    build_page();
    update();
    again();
  }
}

function build_page() {
  page?.graphs?.destroy();
  for (const view of page?.views ?? []) view.destroy?.();
  const instance = chosen();
  note.current = new Note();
  page = { name: instance?.name ?? null, mechanism: instance?.mechanism, tabs: h("nav", { class: "tabs", "aria-label": t("instances") }), head: h("div", { class: "instance-head" }) };
  const parts = [who.element, note.current.element, page.tabs];
  if (!instance) {
    element("main").replaceChildren(...parts, h("p", { class: "quiet big" }, state.status.instances.length ? t("no-such-instance", { name: wanted_name() }) : t("no-instances")));
    return;
  }
  page.graphs = new Graphs({ has_nat: Boolean(instance.nat) });
  page.has_nat = Boolean(instance.nat);
  page.views = views_of(instance);
  page.drops = new Drops(page.views.flatMap((view) => view.drops ?? []));
  page.offload = new Offload();
  page.graph_note = h("p", { class: "quiet", hidden: true });
  const spans = choice(t("span"), kSpans.map((span) => [span, t(`span-${span}`)]), state.span, choose_span);
  element("main").replaceChildren(...parts, h("div", { class: "instance-bar" }, page.head, spans), page.graph_note, page.graphs.element,
    h("div", { class: "panels" }, h("div", { class: "wide-column" }, page.views.map((view) => view.element)),
      h("div", { class: "side-column" }, page.drops.element, page.offload.element)));
}

function choose_span(span) {
  state.span = span;
  localStorage.setItem("yonroku.span", span);
  again();
}

function update() {
  const { status } = state;
  if (!status || !page || !state.answered) return;
  const instance = chosen();
  if (page.name !== (instance?.name ?? null) || (instance && (page.mechanism !== instance.mechanism || page.has_nat !== Boolean(instance.nat)))) build_page();
  element("live").textContent = t("answered-at", { time: clock(state.answered) });
  element("foot").replaceChildren(t("foot", { version: status.version }));
  put(page.tabs, status.instances.map((each) => h("a", { href: `#${encodeURIComponent(each.name)}`, "aria-current": each.name === instance?.name ? "page" : null },
    h("span", { class: `dot ${each.failure ? "bad" : each.nat?.["short-of"].length ? "warn" : "good"}`, role: "img", "aria-label": t(each.failure ? "bad" : each.nat?.["short-of"].length ? "warn" : "good") }),
    h("b", {}, each.name), h("span", {}, each.mechanism))));
  const history = state.history?.of === instance?.name ? state.history : null;
  note.current.update({ ...state, history, rates: drop_rates.per_second, shown: instance?.name });
  if (!instance) return;
  put(page.head, h("h2", {}, instance.name), h("span", {}, t(`mechanism-${instance.mechanism}`)), h("code", {}, instance.device),
    h("span", { class: "quiet" }, t("workers", { count: instance.workers })),
    instance.routes.length > 0 && h("span", { class: "quiet" }, t("routes"), " ", h("code", {}, instance.routes.slice(0, 3).join(", ")), instance.routes.length > 3 ? ` +${instance.routes.length - 3}` : ""),
    h("span", { class: "quiet" }, t("since-time", { time: time(instance.since) })));
  const { refused } = history_job;
  page.graph_note.hidden = !refused;
  if (refused) page.graph_note.textContent = t("no-history", { why: refused.what });
  if (history && history !== page.drawn) page.graphs.update(history);
  page.drawn = history;
  const counters = state.counters?.[instance.name];
  page.drops.update(counters, drop_rates.per_second[instance.name]);
  page.offload.update(state.offload, instance.name, offload_rates.per_second[instance.name]);
  for (const view of page.views) view.update?.(instance, counters, drop_rates.per_second[instance.name]);
  put(element("alerts"));
  document.body.classList.remove("stale");
}

function show_unreachable() {
  document.body.classList.add("stale");
  put(element("alerts"), h("p", { class: "banner", role: "alert" }, h("b", {}, t("no-answer")), " ",
    state.answered ? t("last-answer", { time: clock(state.answered) }) : "", " ", t("trying")));
}

// --- The token -------------------------------------------------------------------------------------------------

let is_asking_for_token = false;

function ask_for_token() {
  if (is_asking_for_token) return;
  is_asking_for_token = true;
  const was_wrong = has_token();
  forget_token();
  const input = h("input", { type: "password", id: "token", autocomplete: "off", required: true });
  const form = h("form", { class: "panel token", onsubmit: (event) => {
    event.preventDefault();
    set_token(input.value.trim());
    is_asking_for_token = false;
    page = null;
    again();
    element("main").replaceChildren();
  } }, h("h2", {}, t("token-title")), was_wrong && h("p", { class: "warn-text", role: "alert" }, t("token-wrong")),
    h("p", {}, t("token-help")), h("label", { for: "token" }, t("token")), h("div", { class: "row" }, input, h("button", { type: "submit" }, t("token-send"))));
  element("main").replaceChildren(form);
  input.focus();
}

// --- The beginning ---------------------------------------------------------------------------------------------

window.addEventListener("hashchange", () => {
  if (!state.status || is_asking_for_token) return;
  state.history = null;
  build_page();
  update();
  again();
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
  event.preventDefault();
  who.input.focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);

build_all();
jobs.push({ seconds: Infinity, run: async () => set_words(await get("/v1/words")) });
beat();
