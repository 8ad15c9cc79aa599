// Pictures to look at: node screenshots.mjs SOCKET FOLDER [NAME...]

import { mkdirSync } from "node:fs";
import { launch, open, relay, settled } from "./harness.mjs";

const [socket_path, folder, ...wanted] = process.argv.slice(2);
const is_wanted = (name) => wanted.length === 0 || wanted.includes(name);
mkdirSync(folder, { recursive: true });
const { url, close } = await relay(socket_path);
const browser = await launch();
const kWide = { width: 1440, height: 1000 };
const kPhone = { width: 390, height: 844 };

for (const [name, path, options] of [
  ["light-plat", "/#plat", { colorScheme: "light", viewport: kWide }],
  ["dark-wan4", "/#wan4", { colorScheme: "dark", viewport: kWide }],
  ["light-wan4-ja", "/#wan4", { colorScheme: "light", locale: "ja-JP", viewport: kWide }],
  ["dark-border-ja", "/#border", { colorScheme: "dark", locale: "ja-JP", viewport: kWide }],
  ["light-web", "/#web", { colorScheme: "light", viewport: kWide }],
  ["dark-dc", "/#dc", { colorScheme: "dark", viewport: kWide }],
  ["light-lw", "/#lw", { colorScheme: "light", viewport: kWide }],
  ["light-aftr-ja", "/#aftr", { colorScheme: "light", locale: "ja-JP", viewport: kWide }],
  ["dark-b4", "/#b4", { colorScheme: "dark", viewport: kWide }],
  ["light-ce-t", "/#ce-t", { colorScheme: "light", viewport: kWide }],
  ["dark-br-t-ja", "/#br-t", { colorScheme: "dark", locale: "ja-JP", viewport: kWide }],
  ["light-home", "/#home", { colorScheme: "light", viewport: kWide }],
  ["phone-light-dc", "/#dc", { colorScheme: "light", viewport: kPhone, deviceScaleFactor: 2, isMobile: true }],
  ["phone-dark-b4-ja", "/#b4", { colorScheme: "dark", locale: "ja-JP", viewport: kPhone, deviceScaleFactor: 2, isMobile: true }],
  ["phone-light-aftr", "/#aftr", { colorScheme: "light", viewport: kPhone, deviceScaleFactor: 2, isMobile: true }],
  ["phone-dark", "/#plat", { colorScheme: "dark", viewport: kPhone, deviceScaleFactor: 2, isMobile: true }],
  ["phone-light-ja", "/#wan4", { colorScheme: "light", locale: "ja-JP", viewport: kPhone, deviceScaleFactor: 2, isMobile: true }],
]) {
  if (!is_wanted(name)) continue;
  const { page, context, errors, thrown } = await open(browser, url, { path, ...options });
  await settled(page);
  await page.waitForTimeout(4500);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  for (const error of [...errors, ...thrown]) console.log(name, error);
  await context.close();
}

if (is_wanted("light-who")) {
  const { page, context } = await open(browser, url, { path: "/#plat", colorScheme: "light", viewport: kWide });
  await settled(page);
  const { bindings: [binding] } = await (await fetch(`${url}/v1/instances/plat/bindings?limit=1`)).json();
  await page.fill("#who", `${binding.outside} ${binding["outside-port"]} udp`);
  await page.press("#who", "Enter");
  await page.waitForSelector(".who-answer table");
  await page.screenshot({ path: `${folder}/light-who.png` });
  await context.close();
}
await browser.close();
close();
