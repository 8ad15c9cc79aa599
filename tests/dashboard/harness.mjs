// A browser on the page that the daemon serves. Its control socket is made a TCP port of this machine, as `ssh -L` does.

import net from "node:net";
import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const kChromium = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);

export async function relay(socket_path) {
  const server = net.createServer((client) => {
    const daemon = net.connect(socket_path);
    client.pipe(daemon).pipe(client);
    client.on("error", () => daemon.destroy());
    daemon.on("error", () => client.destroy());
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

export const launch = () => chromium.launch({ executablePath: kChromium, args: ["--no-sandbox"] });

// --- Answers for what takes a day to happen --------------------------------------------------------------------

// A day's traffic: waves that everybody knows, in the form of GET /v1/history.
export function recorded_history(name, span, has_nat = true) {
  const step = { 600: 1, 3600: 10, 86400: 60 }[span];
  const count = Math.min(span / step, 600 * (span === 86400 ? 2.4 : 1));
  const end = Math.floor(Date.now() / 1000 / step) * step;
  const day = (i) => 0.62 + 0.38 * Math.sin(((end - (count - 1 - i) * step) / 86400) * 2 * Math.PI);
  const chance = (i, k) => ((Math.imul(i + 1, 2654435761) ^ Math.imul(k + 1, 40503)) >>> 8) % 1000 / 1000 - 0.5;
  const noise = (i, k) => 1 + 0.06 * Math.sin(i / 37 + k) + 0.04 * Math.sin(i / 11 + 2 * k) + 0.03 * chance(i, k);
  const wave = (k, size) => Array.from({ length: count }, (_, i) => Math.round(size * day(i) * noise(i, k)));
  const nat = (k, size) => (has_nat ? wave(k, size) : Array(count).fill(null));
  return {
    instance: name, span, step, end: new Date(end * 1000).toISOString().replace(".000", ""),
    series: {
      "subscribers": nat(0, 5120), "new-sessions": nat(1, 18400), "tcp-sessions": nat(2, 262000), "udp-sessions": nat(3, 148000),
      "icmp-sessions": nat(4, 1900), "bits-to-ipv6": wave(5, 18.4e9), "bits-to-ipv4": wave(6, 3.1e9), "packets-to-ipv6": wave(5, 1.9e6),
      "packets-to-ipv4": wave(6, 1.1e6), "offloaded-packets": wave(7, 2.6e6), "drops": wave(8, 40),
    },
    workers: [0, 1, 2, 3].map((worker) => ({ busy: wave(worker + 9, 1000).map((busy) => (busy * (0.45 + worker * 0.06)) / 1000) })),
  };
}

const json = (body, status = 200) => ({ status, contentType: "application/json", body: JSON.stringify(body) });

// A page in a context of its own. options: locale, colorScheme, viewport, reducedMotion, ...; `answers` replaces answers of
// the daemon: {"/v1/status": (url, request) => body or {status, body}}. `errors` gathers what the console complains about.
export async function open(browser, base, { path = "/", answers = {}, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, timezoneId: "Asia/Tokyo", locale: "en-GB", ...options });
  const page = await context.newPage();
  const errors = [];
  const thrown = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && errors.push(`${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => thrown.push(String(error)));
  for (const [where, answer] of Object.entries(answers))
    await page.route((url) => url.pathname === where, async (route) => {
      const body = await answer(new URL(route.request().url()), route.request());
      if (body === null) return route.continue();
      if (body === "gone") return route.abort("connectionrefused");
      return route.fulfill(body.status ? json(body.body, body.status) : json(body));
    });
  if (process.env.DASHBOARD) await serve_from(page, process.env.DASHBOARD);
  await page.goto(base + path);
  return { page, context, errors, thrown };
}

// Files as they are in a folder (src/dashboard) instead of those in the binary: to work on the page without building.
async function serve_from(page, folder) {
  const types = { html: "text/html", css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
  await page.route((url) => !url.pathname.startsWith("/v1/"), (route) => {
    const name = new URL(route.request().url()).pathname.slice(1) || "index.html";
    return route.fulfill({ contentType: types[name.split(".").at(-1)], body: readFileSync(`${folder}/${name}`) });
  });
}

// The page with an instance's graphs drawn and its panels filled.
export async function settled(page) {
  await page.waitForFunction(() => {
    const panels = [...document.querySelectorAll("main .panel:not([hidden]) > div:not(.plot, .chips)")];
    const is_named = document.querySelector(".instance-head h2")?.textContent === decodeURIComponent(location.hash.slice(1));
    return is_named && panels.length > 3 && panels.every((each) => each.textContent !== "")
      && document.querySelectorAll(".plot").length > 0 && [...document.querySelectorAll(".plot")].every((each) => each.childElementCount > 0);
  }, null, { timeout: 20_000 });
}

export async function choose_instance(page, name) {
  await page.evaluate((wanted) => { location.hash = wanted; }, name);
  await settled(page);
}
