// The dashboard in a browser, against a daemon that has traffic. SOCKET names its control socket, SOCKET_WITHOUT_LOG that of
// one that keeps no log.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFileSync, readdirSync } from "node:fs";
import { joined } from "../../src/dashboard/history.js";
import { choose_instance, launch, open, recorded_history, relay, settled } from "./harness.mjs";

const kSource = new URL("../../src/", import.meta.url);
const kInstances = ["wan4", "plat", "border", "lw", "dc", "web", "aftr", "home", "b4", "ce-t", "br-t"];
const kLocales = ["en-GB", "ja-JP"];
const kSchemes = ["light", "dark"];
const kMostAtFirst = 120 * 1024;

let link = null;
let link_without_log = null;
let browser = null;
before(async () => {
  link = await relay(process.env.SOCKET);
  link_without_log = await relay(process.env.SOCKET_WITHOUT_LOG);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  link?.close();
  link_without_log?.close();
});

// In a page of its own that is closed however it ends.
async function on_page({ at = link, ...options }, act) {
  const opened = await open(browser, at.url, options);
  try {
    return await act(opened.page, opened);
  } finally {
    await opened.context.close();
  }
}

const source = (path) => readFileSync(new URL(path, kSource), "utf8");
const ask = async (path) => (await fetch(link.url + path)).json();
const no_complaint = ({ errors, thrown }) => assert.deepEqual([...errors, ...thrown], []);

// --- What it is made of ----------------------------------------------------------------------------------------

test("every text exists in both languages", async () => {
  const text = source("dashboard/i18n.js").replace(/^let current = .*$/m, 'let current = "en";');
  const { kTexts, kJapaneseReasons } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
  for (const [key, both] of Object.entries(kTexts)) {
    assert.equal(both.length, 2, key);
    assert.ok(both.every(Boolean), key);
    const holes = both.map((each) => [...each.matchAll(/\{\w+\}/g)].map(String).sort().join());
    assert.equal(holes[0], holes[1], `${key}: the same values go into both`);
  }
  const used = readdirSync(new URL("dashboard/", kSource)).filter((name) => /^[a-z0-9]+\.js$/.test(name))
    .flatMap((name) => [...source(`dashboard/${name}`).matchAll(/\bt\("([^"]+)"/g)].map((match) => match[1]));
  assert.deepEqual(used.filter((key) => !kTexts[key]), []);
  const labels = (path, pattern) => [...source(path).matchAll(pattern)].map((match) => match[1]).sort();
  assert.deepEqual(Object.keys(kJapaneseReasons.drops).sort(), labels("packet/drop_reasons.def", /^DROP\(\w+,\s+"([^"]+)"/gm));
  assert.deepEqual(Object.keys(kJapaneseReasons["offload-misses"]).sort(), labels("fastpath/misses.def", /^YONROKU_MISS\(\w+, "([^"]+)"/gm));
  const mechanisms = source("config/schema.yaml").match(/key: mechanism\n[\s\S]*?values: \[([^\]]+)\]/)[1].split(", ");
  assert.deepEqual(mechanisms.filter((name) => !kTexts[`mechanism-${name}`]), []);
});

test("uPlot is what its release has", () => {
  for (const [ours, theirs] of [["uPlot.iife.min.js", "dist/uPlot.iife.min.js"], ["uPlot.min.css", "dist/uPlot.min.css"], ["uPlot.LICENSE", "LICENSE"]])
    assert.equal(source(`dashboard/${ours}`), readFileSync(new URL(`node_modules/uplot/${theirs}`, import.meta.url), "utf8"), ours);
});

test("the first paint is small and comes from the daemon alone", async () => {
  await on_page({ path: "/#plat" }, async (page, opened) => {
    const sizes = await page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter((each) => !each.name.includes("/v1/")).map((each) => [each.name, each.transferSize]));
    const total = sizes.reduce((sum, [, size]) => sum + size, 0);
    assert.ok(total > 20_000 && total < kMostAtFirst, `${total} octets: ${JSON.stringify(sizes)}`);
    assert.ok(sizes.every(([name]) => name.startsWith(link.url)), JSON.stringify(sizes));
    await settled(page);
    no_complaint(opened);
  });
});

test("files are cached by their tag and refuse scripts from elsewhere", async () => {
  const first = await fetch(`${link.url}/app.js`);
  assert.match(first.headers.get("content-type"), /^text\/javascript/);
  assert.equal(first.headers.get("content-encoding"), "gzip");
  assert.match(await first.text(), /import/);
  const policy = first.headers.get("content-security-policy");
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const again = await fetch(`${link.url}/app.js`, { headers: { "If-None-Match": first.headers.get("etag") } });
  assert.equal(again.status, 304);
  assert.equal((await fetch(`${link.url}/`)).headers.get("content-type"), "text/html; charset=utf-8");
  assert.equal((await fetch(`${link.url}/nothing.js`)).status, 404);
});

test("another site's page is refused", async () => {
  assert.equal((await fetch(`${link.url}/v1/status`, { headers: { Origin: "http://evil.example" } })).status, 403);
  assert.equal((await fetch(`${link.url}/v1/reload`, { method: "POST", headers: { Origin: "http://evil.example" } })).status, 403);
  assert.equal((await fetch(`${link.url}/v1/status`, { headers: { Origin: link.url } })).status, 200);
});

// --- Every instance, language and theme ------------------------------------------------------------------------

// Texts with too little contrast, by WCAG 2.2 §1.4.3.
const weak_texts = () => {
  const parse = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const over = (front, back) => front.slice(0, 3).map((v, i) => v * (front[3] ?? 1) + back[i] * (1 - (front[3] ?? 1)));
  const behind = (element) => {
    if (!element) return parse(getComputedStyle(document.documentElement).colorScheme === "dark" ? "0,0,0" : "255,255,255");
    const own = parse(getComputedStyle(element).backgroundColor);
    return (own[3] ?? 1) === 1 ? own : over(own, behind(element.parentElement));
  };
  const weak = [];
  let count = 0;
  const judge = (element, color, text) => {
    const style = getComputedStyle(element);
    const back = behind(element);
    const [a, b] = [luminance(over(parse(color), back)), luminance(back)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    ++count;
    if (ratio < (size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5)) weak.push(`${text.slice(0, 40)}: ${ratio.toFixed(2)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (text && element.tagName !== "NOSCRIPT" && element.checkVisibility()) judge(element, getComputedStyle(element).color, text);
  }
  for (const input of document.querySelectorAll("input[placeholder]")) judge(input, getComputedStyle(input, "::placeholder").color, input.placeholder);
  return { weak, count };
};

for (const locale of kLocales)
  for (const colorScheme of kSchemes)
    test(`${locale}, ${colorScheme}: no complaint, contrast, nothing empty`, async () => {
      await on_page({ locale, colorScheme }, async (page, opened) => {
        for (const name of kInstances) {
          await choose_instance(page, name);
          const { weak, count } = await page.evaluate(weak_texts);
          assert.ok(count > 60, `${count} texts`);
          assert.deepEqual(weak, [], name);
          assert.equal(await page.getAttribute("html", "lang"), locale.slice(0, 2));
          const text = await page.innerText("main");
          assert.doesNotMatch(text, /undefined|NaN|\[object|\{\w+\}/);
          if (locale === "ja-JP") assert.match(text, /スループット/);
        }
        no_complaint(opened);
      });
    });

test("no sideways scrolling on a phone", async () => {
  for (const locale of kLocales)
    await on_page({ locale, viewport: { width: 360, height: 800 } }, async (page) => {
      for (const name of kInstances) {
        await choose_instance(page, name);
        for (const width of [360, 390, 768]) {
          await page.setViewportSize({ width, height: 800 });
          const widest = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.ok(widest <= width, `${name} ${locale}: ${widest} of ${width}`);
        }
      }
    });
});

test("the switches are kept", async () => {
  await on_page({ path: "/#plat", colorScheme: "light" }, async (page, opened) => {
    await settled(page);
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const light = await background();
    await page.selectOption("#theme", "dark");
    assert.notEqual(await background(), light);
    await page.selectOption("#language", "ja");
    await page.waitForSelector("text=アドレスプール");
    await page.reload();
    await settled(page);
    assert.notEqual(await background(), light);
    assert.match(await page.innerText("main"), /同時セッション数/);
    no_complaint(opened);
  });
});

// --- What it shows ---------------------------------------------------------------------------------------------

const painted = (page) => page.$$eval(".plot canvas", (all) => all.map((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colors = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3] > 200) colors.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  return colors.size;
}));

test("the four graphs are drawn, live and over a day", async () => {
  const spans = [];
  const history = (url) => {
    spans.push(url.searchParams.get("span"));
    return recorded_history(url.searchParams.get("instance"), Number(url.searchParams.get("span")));
  };
  await on_page({ path: "/#plat", answers: { "/v1/history": history } }, async (page, opened) => {
    await settled(page);
    const drawn = await painted(page);
    assert.equal(drawn.length, 4);
    assert.ok(drawn.every((colors) => colors > 10), String(drawn));
    await page.waitForTimeout(3200);
    assert.ok(spans.length >= 3, `asked ${spans.length} times in 3 s`);
    for (const [button, span] of [["1 hour", "3600"], ["1 day", "86400"]]) {
      await page.click(`button:text-is("${button}")`);
      await page.waitForTimeout(1300);
      assert.equal(spans.at(-1), span);
      assert.ok((await painted(page)).every((colors) => colors > 10));
    }
    await page.click('button:text-is("packets/s")');
    assert.match(await page.innerText(".graphs"), /by the offload/);
    no_complaint(opened);
  });
});

test("what is new is joined to what there was", () => {
  const answer = (end, drops, busy = drops) => ({ span: 600, step: 1, end: `2026-11-22T04:10:${end}Z`, series: { drops }, workers: [{ busy }] });
  const first = answer("10", [1, 2]);
  assert.equal(joined(null, first), first);
  assert.equal(joined(first, answer("10", [])), first);
  assert.deepEqual(joined(first, answer("12", [3, 4])), answer("12", [1, 2, 3, 4]));
  assert.deepEqual(joined(first, answer("14", [6])), answer("14", [1, 2, null, null, null, 6]));  // it was begun anew
  assert.deepEqual(joined(first, { ...answer("11", [3]), workers: [{ busy: [3] }, { busy: [7] }] }).workers, [{ busy: [1, 2, 3] }, { busy: [7] }]);
  assert.equal(joined(first, answer("05", [])), null);  // the clock was set back
  const hour = { ...answer("20", [5]), span: 3600, step: 10 };
  assert.equal(joined(first, hour), hour);
  const full = answer("10", Array(600).fill(0));
  assert.deepEqual(joined(full, answer("11", [9])).series.drops, [...Array(599).fill(0), 9]);
});

test("of the history only what is new is fetched", async () => {
  const asked = [];
  await on_page({ path: "/#plat" }, async (page, opened) => {
    page.on("response", async (response) => {
      const url = new URL(response.url());
      if (url.pathname === "/v1/history") asked.push({ since: url.searchParams.get("since"), answer: await response.json().catch(() => null) });
    });
    await page.reload();
    await settled(page);
    await page.waitForTimeout(5000);
    const [first, ...others] = asked.filter(({ answer }) => answer);
    assert.equal(first.since, null);
    assert.ok(others.length >= 3, `asked ${others.length} times more`);
    others.forEach(({ since, answer }, i) => {
      assert.equal(since, (others[i - 1] ?? first).answer.end);
      for (const values of Object.values(answer.series)) assert.ok(values.length <= 3, String(values));
    });
    const fresh = others.flatMap(({ answer }) => answer.series["packets-to-ipv4"]);
    const whole = await ask(`/v1/history?instance=plat&since=${first.answer.end}`);
    assert.deepEqual(whole.series["packets-to-ipv4"].slice(0, fresh.length), fresh);
    no_complaint(opened);
  });
});

test("a young program and series that are not known", async () => {
  const young = (url) => {
    const whole = recorded_history("plat", Number(url.searchParams.get("span")), false);
    for (const name of Object.keys(whole.series)) whole.series[name] = whole.series[name].slice(-1);
    return { ...whole, workers: [{ busy: [null] }, { busy: [] }] };
  };
  await on_page({ path: "/#plat", answers: { "/v1/history": young } }, async (page, opened) => {
    await settled(page);
    assert.match(await page.innerText(".graphs"), /No data yet/);
    no_complaint(opened);
  });
});

test("a customer edge shows its ports", async () => {
  await on_page({ path: "/#wan4" }, async (page, opened) => {
    await page.waitForSelector(".portmap .legend li");
    const counts = Object.fromEntries((await page.$$eval(".portmap .legend li", (all) => all.map((each) => each.innerText.split("\n")))).map((each) => {
      const [, word, count] = each.join("").match(/^(\D+)([\d,]+)$/);
      return [word.trim(), Number(count.replace(",", ""))];
    }));
    // 15 ranges of 16 ports; two are static bindings'.
    assert.equal(counts["not ours"], 65536 - 240);
    assert.equal(counts.static, 2);
    assert.ok(counts["in use"] > 5, JSON.stringify(counts));
    assert.ok(counts.resting > 0, JSON.stringify(counts));
    assert.equal(Object.values(counts).reduce((a, b) => a + b), 65536);
    await page.focus(".portmap canvas");
    const first = await page.innerText(".readout");
    await page.keyboard.press("ArrowRight");
    assert.notEqual(await page.innerText(".readout"), first);
    await page.keyboard.press("Home");
    assert.match(await page.innerText(".readout"), /Port 0 not ours/);
    const text = await page.innerText("main");
    assert.match(text, /192\.0\.2\.18/);
    assert.match(text, /192\.168\.1\.101/);
    assert.match(text, /192\.168\.1\.80:443/);
    no_complaint(opened);
  });
});

test("the customer edges of MAP-T and Lightweight 4over6 show theirs", async () => {
  for (const [name, ports, address] of [["ce-t", 63 * 4, "198.18.64.18"], ["b4", 4096, "198.18.0.17"]])
    await on_page({ path: `/#${name}` }, async (page, opened) => {
      await page.waitForSelector(".portmap .legend li");
      const text = await page.innerText("main");
      assert.match(text, new RegExp(`not ours\\s*${(65536 - ports).toLocaleString("en-GB")}`));
      assert.ok(text.includes(address), text);
      assert.match(text, /192\.168\.\d\.1\d/);
      no_complaint(opened);
    });
});

test("a NAT shows its pool and the busiest", async () => {
  for (const [name, subscriber, outside] of [["plat", "2001:db8:12::/64", /198\.51\.100\.[0-7]\b/], ["aftr", "2001:db8:b5::7", /198\.51\.100\.1[6-9]/]])
    await on_page({ path: `/#${name}` }, async (page) => {
      await page.waitForSelector(`td:text-is("${subscriber}")`);
      const text = await page.innerText("main");
      assert.match(text, outside);
      assert.match(text, /Busiest subscribers/);
      const sessions = await page.$$eval(".columns > div:last-child tbody td:last-child", (cells) => cells.map((cell) => Number(cell.textContent.replaceAll(",", ""))));
      assert.ok(sessions[0] > 1);
      assert.deepEqual(sessions, sessions.toSorted((a, b) => b - a));
    });
});

test("a pool of many addresses is gone through when asked", async () => {
  const status = async () => {
    const real = await ask("/v1/status");
    real.instances.find((each) => each.name === "plat").nat.addresses = 5000;
    return real;
  };
  await on_page({ path: "/#plat", answers: { "/v1/status": status } }, async (page, opened) => {
    await page.waitForSelector("text=The pool is large");
    await page.waitForSelector('td:text-is("2001:db8:12::/64")');
    await page.click('button:text-is("Ask now")');
    await page.waitForSelector('td:text-is("198.51.100.1")');
    await page.waitForTimeout(5500);
    assert.ok(await page.isVisible('td:text-is("198.51.100.1")'), "it stays");
    no_complaint(opened);
  });
});

test("the offload shows what the kernel forwards, and what it leaves", async () => {
  for (const name of ["plat", "dc"])
    await on_page({ path: `/#${name}` }, async (page, opened) => {
      await page.waitForFunction(() => /(?!0)\d[\d,]* packets, /.test(document.querySelector(".side-column")?.innerText ?? ""));
      const text = await page.innerText(".side-column");
      assert.match(text, /[1-9][\d.]*\u202f% forwarded by the kernel/);
      assert.match(text, /to-lan/);
      if (name === "plat") assert.match(text, /no-flow/);
      no_complaint(opened);
    });
});

test("a border shows what failed its checks, in words with the section", async () => {
  await on_page({ path: "/#border" }, async (page) => {
    await page.waitForSelector("code:text-is('source-spoofed')");
    const text = await page.innerText("main");
    assert.match(text, /the inner source address and port do not belong to the outer source/);
    assert.match(text, /RFC 7597 §8\.1/);
    await page.waitForSelector("[aria-label='Who failed the check of the source'] td.mono:text-matches('^2001:db8:')");
    assert.match(text, /source-spoofed[^]*to IPv4: UDP \d+/);
    assert.match(text, /\/s/);
  });
});

test("rules, softwires and mappings are searched", async () => {
  for (const [name, kind, wanted, fitting] of [["border", "rules", "203.0.200.", 1], ["lw", "softwires", "198.18.3.", 64], ["dc", "mappings", "198.19.0.59", 1]])
    await on_page({ path: `/#${name}` }, async (page, opened) => {
      await page.waitForSelector(".find + div table");
      const count = () => page.$$eval(".find + div tbody tr", (rows) => rows.length);
      assert.ok((await count()) > 50);
      await page.fill(`#find-${kind}`, wanted);
      await page.press(`#find-${kind}`, "Enter");
      await page.waitForFunction((most) => document.querySelectorAll(".find + div tbody tr").length === most, fitting);
      await page.fill(`#find-${kind}`, "no such thing");
      await page.press(`#find-${kind}`, "Enter");
      await page.waitForSelector("text=Nothing has that.");
      no_complaint(opened);
    });
});

test("a load balancer shows services and their health", async () => {
  await on_page({ path: "/#web" }, async (page) => {
    await page.waitForSelector("text=203.0.113.81:8080");
    await page.waitForSelector(".findings .bad");
    const text = await page.innerText("main");
    assert.match(text, /tcp \[2001:db8:80::1\]:80/);
    assert.match(text, /Needs attention/);
  });
});

// --- The search box --------------------------------------------------------------------------------------------

// Asks until the log has it: it is written each second.
async function search(page, question, pattern) {
  for (let tries = 0; ; ++tries) {
    await page.fill("#who", question);
    await page.press("#who", "Enter");
    await page.waitForSelector(".who-answer table, .who-answer .quiet:has-text('Nobody')");
    const text = await page.innerText(".who-answer");
    if (pattern.test(text)) return text;
    assert.ok(tries < 10, `${question}: ${text}`);
    await page.waitForTimeout(1000);
  }
}

test("the search box tells who it was", async () => {
  const [of_nat] = (await ask("/v1/instances/plat/bindings?limit=1")).bindings;
  const [of_edge] = (await ask("/v1/instances/wan4/bindings?inside=192.168.1.10")).bindings;
  await on_page({ path: "/#plat" }, async (page, opened) => {
    await settled(page);
    await page.keyboard.press("/");
    await page.keyboard.type(`${of_nat.outside}:${of_nat["outside-port"]}`);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".who-answer table");
    const subscriber = of_nat.inside.replace(/7$/, "/64");
    const block = await search(page, `${of_nat.outside} ${of_nat["outside-port"]} udp`, /a block of ports/);
    assert.ok(block.includes(subscriber), block);
    assert.match(block, /any host of the subscriber/);
    assert.match(block, /\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+09:00/);
    assert.match(block, /still/);
    const binding = await search(page, `${of_edge.outside} ${of_edge["outside-port"]} udp`, /a binding/);
    assert.ok(binding.includes(`192.168.1.10:${of_edge["inside-port"]}`), binding);
    const computed = await search(page, "192.0.2.77 5000", /computed: mapping rule/);
    assert.match(computed, /2001:db8:4d:/);
    const used = await search(page, subscriber, /a block of ports/);
    assert.ok(used.includes(of_nat.outside), used);
    await page.focus(".who-answer button");
    await page.keyboard.press("Escape");
    assert.ok(await page.isHidden(".who-answer"));
    no_complaint(opened);
  });
});

test("the search box understands times, and only questions", async () => {
  await on_page({ path: "/#plat" }, async (page, opened) => {
    await settled(page);
    const ask_for = async (question) => {
      const [request] = await Promise.all([page.waitForRequest((each) => each.url().includes("/v1/who")), page.fill("#who", question).then(() => page.press("#who", "Enter"))]);
      return Object.fromEntries(new URL(request.url()).searchParams);
    };
    // The browser's zone is Tokyo's.
    assert.deepEqual(await ask_for("198.51.100.2 2000 udp 2020-11-21 21:03 ±60"), { address: "198.51.100.2", port: "2000", protocol: "udp", time: "2020-11-21T12:03:00Z", skew: "60" });
    await page.waitForSelector("text=/The log begins at \\d/");
    await page.waitForSelector("text=Nobody had this address and port at that time.");
    for (const [question, time] of [["198.51.100.2:2000 2020-11-21T12:03:00Z", "2020-11-21T12:03:00Z"], ["198.51.100.2 2000 2020-11-21 12:03 +01:00", "2020-11-21T11:03:00Z"]])
      assert.deepEqual(await ask_for(question), { address: "198.51.100.2", port: "2000", time });
    assert.deepEqual(await ask_for("2001:db8:12::/64 2020-11-21T12:03:00Z ±60"),
      { subscriber: "2001:db8:12::/64", limit: "200", from: "2020-11-21T12:02:00.000Z", until: "2020-11-21T12:04:00.000Z" });
    let asked = 0;
    page.on("request", (request) => { asked += request.url().includes("/v1/who"); });
    for (const question of ["nonsense", "198.51.100.2", "198.51.100.2 2000 yesterday"]) {
      await page.fill("#who", question);
      await page.press("#who", "Enter");
      await page.waitForSelector(".who-answer .warn-text");
    }
    assert.equal(asked, 0);
    no_complaint(opened);
  });
});

test("gaps in the log are told", async () => {
  const gaps = [{ from: "2026-11-21T12:01:00Z", until: "2026-11-21T12:01:04Z", lost: 812, why: "lost" }, { from: "2026-11-21T11:00:00Z", until: "2026-11-21T11:30:00Z", lost: null, why: "not-running" },
    { from: "2026-11-21T10:00:00Z", until: "2026-11-21T10:00:01Z", lost: 0, why: "lost" }];
  await on_page({ path: "/#plat", answers: { "/v1/who": () => ({ answers: [], gaps }) } }, async (page, opened) => {
    await settled(page);
    await page.fill("#who", "198.51.100.2 2000");
    await page.press("#who", "Enter");
    await page.waitForSelector("text=812 entries lost");
    await page.waitForSelector("text=some entries lost");
    await page.waitForSelector("text=/from 2026-11-21 20:00:00 .* the program did not run/");
    no_complaint(opened);
  });
});

test("without a log the search box says what to do", async () => {
  for (const [locale, texts] of [["en-GB", ["No log is kept", "Add this section"]], ["ja-JP", ["ログが保存されていない", "設定に次のセクションを追加"]]])
    await on_page({ at: link_without_log, locale }, async (page, { thrown }) => {
      await page.waitForSelector(".instance-head h2");
      await page.fill("#who", "198.51.100.2 2000");
      await page.press("#who", "Enter");
      for (const text of [...texts, "nat-log:"]) await page.waitForSelector(`text=${text}`);
      const { weak } = await page.evaluate(weak_texts);
      assert.deepEqual(weak, []);
      assert.deepEqual(thrown, []);
    });
});

// --- The keyboard ----------------------------------------------------------------------------------------------

test("every control is reached by the keyboard, and shows it", async () => {
  for (const name of ["wan4", "plat", "border"])
    await on_page({ path: `/#${name}` }, async (page) => {
      await settled(page);
      const wanted = await page.evaluate(() => {
        const all = [...document.querySelectorAll("a[href], button, input, select, canvas[tabindex], [tabindex='0']")].filter((each) => each.checkVisibility());
        all.forEach((each, i) => each.setAttribute("data-control", i));
        return all.length;
      });
      const reached = new Set();
      const unseen = [];
      for (let i = 0; i < wanted + 20; ++i) {
        await page.keyboard.press("Tab");
        const at = await page.evaluate(() => {
          const { activeElement: element } = document;
          const framed = element.tagName === "CANVAS" ? element.parentElement : element;
          const style = getComputedStyle(framed);
          return { control: element.dataset.control, what: element.outerHTML.slice(0, 60), is_seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
        });
        if (at.control !== undefined) reached.add(at.control);
        if (at.control !== undefined && !at.is_seen) unseen.push(at.what);
      }
      // Panels that are drawn anew meanwhile lose their number.
      const numbered = await page.$$eval("[data-control]", (all) => all.map((each) => each.dataset.control));
      assert.ok(numbered.length > 10, name);
      assert.deepEqual(numbered.filter((each) => !reached.has(each)), [], name);
      assert.deepEqual(unseen, [], name);
    });
});

test("everything that is operated has a name", async () => {
  await on_page({}, async (page) => {
    for (const name of kInstances) {
      await choose_instance(page, name);
      const nameless = await page.$$eval("a[href], button, input, select, canvas[tabindex], [role=region], [role=img]", (all) => all
        .filter((each) => each.checkVisibility() && !(each.innerText?.trim() || each.getAttribute("aria-label") || each.labels?.length)).map((each) => each.outerHTML.slice(0, 80)));
      assert.deepEqual(nameless, [], name);
      const levels = await page.$$eval("h1, h2, h3", (all) => all.filter((each) => each.checkVisibility()).map((each) => Number(each.tagName[1])));
      assert.equal(levels[0], 1);
      assert.ok(levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1), String(levels));
    }
  });
});

// --- When things go wrong --------------------------------------------------------------------------------------

test("a daemon that is gone is told once, and found again", async () => {
  let is_gone = false;
  let requests = 0;
  const answer = () => {
    ++requests;
    return is_gone ? "gone" : null;
  };
  const gone = Object.fromEntries(["/v1/status", "/v1/counters", "/v1/offload", "/v1/services"].map((path) => [path, answer]));
  const history = (url) => answer() ?? recorded_history("plat", Number(url.searchParams.get("span")));
  await on_page({ path: "/#plat", answers: { ...gone, "/v1/history": history } }, async (page, { thrown }) => {
    await settled(page);
    is_gone = true;
    await page.waitForSelector(".banner");
    assert.match(await page.innerText(".banner"), /The daemon does not answer. What is shown is from \d/);
    assert.match(await page.innerText("main"), /Address pool/);
    requests = 0;
    await page.waitForTimeout(6000);
    assert.ok(requests > 0 && requests <= 20, `${requests} requests in 6 s`);
    is_gone = false;
    await page.waitForSelector(".banner", { state: "detached", timeout: 10_000 });
    assert.deepEqual(thrown, []);
  });
});

test("an instance that was removed", async () => {
  let is_removed = false;
  const status = async () => {
    if (!is_removed) return null;
    const real = await (await fetch(`${link.url}/v1/status`)).json();
    return { ...real, instances: real.instances.filter((each) => each.name !== "plat") };
  };
  await on_page({ path: "/#plat", answers: { "/v1/status": status } }, async (page, { thrown }) => {
    await settled(page);
    is_removed = true;
    await page.waitForSelector("text=There is no instance “plat” any more");
    await page.click(".tabs a >> nth=0");
    await page.waitForSelector(".portmap");
    assert.deepEqual(thrown, []);
  });
});

test("a failed instance, warnings and a log that is stuck are in the note", async () => {
  const status = async () => {
    const real = await (await fetch(`${link.url}/v1/status`)).json();
    const [first, second] = real.instances;
    first.failure = "the device wan4 is gone";
    second.nat["short-of"] = ["udp-ports"];
    const log = real["nat-log"];
    const [receiver] = log.receivers;
    return { ...real, warnings: ["IPv6 forwarding is off"], "nat-log": { ...log, missed: 3, receivers: [
      { ...receiver, name: "syslog", written: 7, lost: 2, waiting: 1, error: "connection refused", since: "2026-11-21T12:00:00Z" },
      { ...receiver, name: "disk", remark: "the oldest day was removed to make room" }] } };
  };
  await on_page({ path: "/#plat", answers: { "/v1/status": status } }, async (page, opened) => {
    await settled(page);
    const note = await page.innerText(".note");
    for (const text of ["the device wan4 is gone", "UDP ports: more than 90 %", "IPv6 forwarding is off", "syslog: connection refused", "syslog lost 2",
      "3 events were not logged", "disk: the oldest day was removed", "7 written, 1 waiting"])
      assert.ok(note.includes(text), `${text} in ${note}`);
    no_complaint(opened);
  });
});

test("a port that wants a token", async () => {
  const guarded = (url, request) => (request.headers().authorization === "Bearer right" ? null : { status: 401, body: { error: { where: "Authorization", what: "a token is needed", fix: "" } } });
  const paths = ["status", "counters", "offload", "services", "words", "instances/plat/ports", "instances/plat/subscribers"].map((path) => [`/v1/${path}`, guarded]);
  const history = (url, request) => guarded(url, request) ?? recorded_history("plat", Number(url.searchParams.get("span")));
  await on_page({ path: "/#plat", answers: { ...Object.fromEntries(paths), "/v1/history": history } }, async (page, { thrown }) => {
    await page.waitForSelector("#token");
    await page.fill("#token", "wrong");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=That was not the token.");
    await page.fill("#token", "right");
    await page.keyboard.press("Enter");
    await settled(page);
    await page.waitForSelector("text=Busiest subscribers");
    assert.equal(await page.evaluate(() => sessionStorage.getItem("yonroku.token")), "right");
    assert.equal(await page.evaluate(() => document.cookie), "");
    assert.deepEqual(thrown, []);
  });
});

test("a table that breaks off in the middle", async () => {
  const broken = { ports: [], error: { where: "plat", what: "worker 1 did not answer within 1000 ms", fix: "try again" } };
  await on_page({ path: "/#plat", answers: { "/v1/instances/plat/ports": () => broken } }, async (page, opened) => {
    await page.waitForSelector(".plot canvas");
    await page.waitForTimeout(1500);
    assert.match(await page.innerText("main"), /Address pool/);
    no_complaint(opened);
  });
});

test("hostile names stay text", async () => {
  const evil = "<img src=x onerror=alert(1)>";
  const status = async () => {
    const real = await (await fetch(`${link.url}/v1/status`)).json();
    return { ...real, warnings: [evil] };
  };
  await on_page({ path: "/#plat", answers: { "/v1/status": status } }, async (page, opened) => {
    await settled(page);
    assert.ok((await page.innerText(".note")).includes(evil));
    assert.equal(await page.locator("img").count(), 0);
    no_complaint(opened);
  });
});
