// The dashboard in a browser, against a daemon that has traffic. SOCKET names its control socket.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFileSync, readdirSync } from "node:fs";
import { choose_instance, launch, open, recorded_history, recorded_who, relay, settled } from "./harness.mjs";

const kSource = new URL("../../src/", import.meta.url);
const kInstances = ["wan4", "plat", "border", "lw", "dc", "web"];
const kLocales = ["en-GB", "ja-JP"];
const kSchemes = ["light", "dark"];
const kMostAtFirst = 120 * 1024;

let link = null;
let browser = null;
before(async () => {
  link = await relay(process.env.SOCKET);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  link?.close();
});

// In a page of its own that is closed however it ends.
async function on_page(options, act) {
  const opened = await open(browser, link.url, options);
  try {
    return await act(opened.page, opened);
  } finally {
    await opened.context.close();
  }
}

const source = (path) => readFileSync(new URL(path, kSource), "utf8");
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

test("a NAT64 shows its pool and the busiest", async () => {
  await on_page({ path: "/#plat" }, async (page) => {
    await page.waitForSelector("text=2001:db8:12::/64");
    const text = await page.innerText("main");
    assert.match(text, /198\.51\.100\.\d/);
    assert.match(text, /Busiest subscribers/);
  });
});

test("a border shows what failed its checks, in words with the section", async () => {
  await on_page({ path: "/#border" }, async (page) => {
    await page.waitForSelector("code:text-is('source-spoofed')");
    const text = await page.innerText("main");
    assert.match(text, /the inner source address and port do not belong to the outer source/);
    assert.match(text, /RFC 7597 §8\.1/);
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

test("the search box asks who it was", async () => {
  let asked = null;
  const who = (url) => {
    asked = Object.fromEntries(url.searchParams);
    return recorded_who;
  };
  await on_page({ path: "/#plat", answers: { "/v1/who": who } }, async (page, opened) => {
    await settled(page);
    await page.keyboard.press("/");
    await page.keyboard.type("198.51.100.2 2000 udp 2026-11-21 21:03 ±60");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".who-answer table");
    // The browser's zone is Tokyo's.
    assert.deepEqual(asked, { address: "198.51.100.2", port: "2000", protocol: "udp", time: "2026-11-21T12:03:00Z", skew: "60" });
    const text = await page.innerText(".who-answer");
    assert.match(text, /2001:db8:12::\/64/);
    assert.match(text, /2026-11-21 20:58:02 \+09:00/);
    assert.match(text, /still/);
    assert.match(text, /812 entries lost/);
    for (const [question, time] of [["198.51.100.2:2000 2026-11-21T12:03:00Z", "2026-11-21T12:03:00Z"], ["198.51.100.2 2000 2026-11-21 12:03 +01:00", "2026-11-21T11:03:00Z"]]) {
      await page.fill("#who", question);
      await page.press("#who", "Enter");
      await page.waitForFunction(() => document.querySelector(".who-answer table"));
      assert.equal(asked.time, time);
      assert.equal(asked.port, "2000");
    }
    for (const question of ["nonsense", "198.51.100.2", "198.51.100.2 2000 yesterday"]) {
      asked = null;
      await page.fill("#who", question);
      await page.press("#who", "Enter");
      await page.waitForSelector(".who-answer .warn-text");
      assert.equal(asked, null);
    }
    await page.focus(".who-answer button");
    await page.keyboard.press("Escape");
    assert.ok(await page.isHidden(".who-answer"));
    no_complaint(opened);
  });
});

test("without a log the search box says so", async () => {
  const error = { error: { where: "log", what: "there is no log to look into", fix: "configure log: store" } };
  await on_page({ path: "/#plat", answers: { "/v1/who": () => ({ status: 409, body: error }) } }, async (page, { thrown }) => {
    await settled(page);
    await page.fill("#who", "198.51.100.2 2000");
    await page.press("#who", "Enter");
    await page.waitForSelector("text=The log can't tell");
    await page.waitForSelector("text=configure log: store");
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
    return { ...real, warnings: ["IPv6 forwarding is off"], log: { events: 10, missed: 3, receivers: [{ name: "syslog", written: 7, lost: 2, waiting: 1, error: "connection refused", since: "2026-11-21T12:00:00Z" }] } };
  };
  await on_page({ path: "/#plat", answers: { "/v1/status": status } }, async (page, opened) => {
    await settled(page);
    const note = await page.innerText(".note");
    for (const text of ["the device wan4 is gone", "UDP ports: more than 90 %", "IPv6 forwarding is off", "syslog: connection refused", "syslog lost 2"])
      assert.ok(note.includes(text), `${text} in ${note}`);
    no_complaint(opened);
  });
});

test("a port that wants a token", async () => {
  const guarded = (url, request) => (request.headers().authorization === "Bearer right" ? null : { status: 401, body: { error: { where: "Authorization", what: "a token is needed", fix: "" } } });
  const paths = ["status", "counters", "offload", "services", "words", "instances/plat/ports"].map((path) => [`/v1/${path}`, guarded]);
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
