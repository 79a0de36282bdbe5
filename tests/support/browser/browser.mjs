// A headless Chromium that does what it is told on standard input, one JSON array a line: a name and what it needs.
// Each is answered by one JSON line, {"answer": ...} or {"error": "..."}.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const SECONDS = Number(process.env.SECONDS);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
let page = null;
let complaints = []; // of the page's own script, and of its Content-Security-Policy

const able = {
  async open(colorScheme, width) {
    const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
    context.setDefaultTimeout(SECONDS * 1000);
    page = await context.newPage();
    complaints = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("dialog", (dialog) => dialog.accept());
  },
  goto: (url) => page.goto(url).then(() => null),
  address: async () => new URL(page.url()).pathname,
  arrive: (path) => page.waitForURL((url) => url.pathname === path),
  fill: (selector, text) => page.fill(selector, text),
  press: (key) => page.keyboard.press(key),
  click: (selector) => page.click(selector),
  see: (selector, text) => page.locator(selector, { hasText: text }).first().waitFor(),
  text: (selector) => page.locator(selector).first().innerText(),
  mark: () => page.evaluate(() => { window.marked = true; }),
  marked: () => page.evaluate(() => window.marked === true),
  overflow: () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
  complaints: async () => complaints,
  async axe() {
    await page.evaluate(axe);
    const found = await page.evaluate(() => window.axe.run());
    return found.violations.map(({ id, impact, nodes }) => `${impact}: ${id} at ${nodes.map((node) => node.target)}`);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  const said = await able[name](...given).then((answer) => ({ answer }), (error) => ({ error: error.message }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await browser.close();
