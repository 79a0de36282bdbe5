// A headless Chromium that does what it is told on standard input, one JSON array a line: a name and what it needs.
// Each is answered by one JSON line, {"answer": ...} or {"error": "..."}.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MARGIN = 16; // around a thing that is pictured
const SECONDS = Number(process.env.SECONDS);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
});
let page = null;
let complaints = []; // of the page's own script, and of its Content-Security-Policy

const able = {
  async open(colorScheme, width, height) {
    await page?.context().close(); // or it goes on to listen, and to complain
    const context = await browser.newContext({ colorScheme, viewport: { width, height } });
    context.setDefaultTimeout(SECONDS * 1000);
    await context.grantPermissions(["clipboard-read", "clipboard-write"]); // a headless one has nobody to ask
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
  choose: (selector, label) => page.selectOption(selector, { label }).then(() => null),
  resize: (width, height) => page.setViewportSize({ width, height }),
  unfold: (selector) =>
    page.locator(`${selector} details`).evaluateAll((all) => all.forEach((one) => { one.open = true; })),
  press: (key) => page.keyboard.press(key),
  click: (selector) => page.click(selector),
  see: (selector, text) => page.locator(selector, { hasText: text }).first().waitFor(),
  text: (selector) => page.locator(selector).first().innerText(),
  copied: () => page.evaluate(() => navigator.clipboard.readText()),
  focused: () => page.evaluate(() => document.activeElement.textContent.trim()),
  mark: () => page.evaluate(() => { window.marked = true; }),
  marked: () => page.evaluate(() => window.marked === true),
  overflow: () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth),
  complaints: async () => complaints,
  async picture(selector) {
    const box = selector && (await page.locator(selector).first().boundingBox());
    const clip = box && { x: box.x - MARGIN, y: box.y - MARGIN, width: box.width + 2 * MARGIN, height: box.height + 2 * MARGIN };
    const png = await page.screenshot(clip ? { clip, fullPage: true, animations: "disabled" } : { animations: "disabled" });
    return png.toString("base64");
  },
  async axe() {
    await page.evaluate(axe);
    const said = [];
    for (const colorScheme of ["light", "dark"]) { // of the system: a page whose user chose one stays in it
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => window.axe.run());
      for (const { id, impact, nodes } of violations) {
        said.push(`${impact}, ${colorScheme}: ${id} at ${nodes.map((node) => node.target)}`);
      }
    }
    return said;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...given] = JSON.parse(line);
  const said = await able[name](...given).then((answer) => ({ answer }), (error) => ({ error: error.message }));
  process.stdout.write(`${JSON.stringify(said)}\n`);
}
await browser.close();
