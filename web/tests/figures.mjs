// How fast the dashboard is. What makes it fast is counted and always judged: bytes, requests, what the first paint
// waits for, what is made and formatted for a row. Times are printed, beside the CPU time of the page's main thread,
// and judged when the machine does nothing else, or with JUDGE=1:
//
//   JUDGE=1 PARTS=figures chrt -r 3 scripts/browser.sh
//
// runs the browser and the server before everything else, which comes close to a quiet machine.
import { cpus, loadavg } from "node:os";
import { api, check, dev, goto, signedIn } from "./kit.mjs";

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const link = (page, name) => page.getByRole("link", { name, exact: true });
const heading = (page, name) => page.getByRole("heading", { level: 1, name, exact: true });
const rows = (page) => page.waitForFunction(() => document.querySelectorAll("tbody tr").length >= 50);

const send = (i) =>
  api("POST", "/v1/messages", { to: `+1555000${2000 + i}`, type: "template", template: { name: "hello_world", language: "en" } });

/** Counts what an action takes of the page's main thread: all, and its scripting, in milliseconds of CPU time. */
async function cpu(page, action) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const read = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value * 1000]));
  const before = await read();
  await action();
  const after = await read();
  await session.detach();
  return { task: after.TaskDuration - before.TaskDuration, script: after.ScriptDuration - before.ScriptDuration };
}

/** Returns the milliseconds of the page's clock from the click on a link until the frame after its page's heading is there. */
async function change(page, name) {
  await page.evaluate((name) => {
    window.changed = new Promise((resolve) => {
      addEventListener(
        "click",
        (e) => {
          const seen = new MutationObserver(() => {
            if (document.querySelector("h1")?.textContent !== name) return;
            seen.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - e.timeStamp)));
          });
          seen.observe(document.body, { childList: true, subtree: true, characterData: true });
        },
        { once: true, capture: true },
      );
    });
  }, name);
  await link(page, name).click();
  await heading(page, name).waitFor();
  return page.evaluate(() => window.changed);
}

const paintOf = (page) => page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);

/** Opens the overview with nothing cached. */
async function load() {
  const page = await signedIn();
  const asked = [];
  page.on("request", (r) => asked.push(new URL(r.url()).pathname));
  const { task } = await cpu(page, () => goto(page, "/", "Overview"));
  const paint = await paintOf(page);
  const bytes = await page.evaluate(() => {
    const scripts = performance.getEntriesByType("resource").filter((r) => r.name.endsWith(".js"));
    return scripts.reduce((sum, r) => sum + r.encodedBodySize, 0);
  });
  await page.context().close();
  return { task, paint, bytes, asked };
}

/** The frame is painted while neither a script of the application nor an answer of the API has come. */
async function paintsFirst(path) {
  const page = await signedIn();
  await page.route(/\/assets\/(app|base)-[\w-]+\.js|\/v1\//, () => {}); // never answered
  await page.goto(dev.base_url + path, { waitUntil: "commit" });
  const painted = page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0, undefined, {
    timeout: 20_000,
  });
  check(
    `the first paint of ${path} waits for no application`,
    await painted.then(
      () => true,
      () => false,
    ),
  );
  await page.context().close();
}

/** Counts the formatters that the page makes, and what it formats. */
function countFormats() {
  window.made = 0;
  window.formatted = 0;
  for (const name of ["DateTimeFormat", "NumberFormat"]) {
    const real = Intl[name];
    Intl[name] = new Proxy(real, {
      construct(...args) {
        window.made++;
        return Reflect.construct(...args);
      },
      apply(...args) {
        window.made++;
        return Reflect.apply(...args);
      },
    });
    const { get } = Object.getOwnPropertyDescriptor(real.prototype, "format");
    Object.defineProperty(real.prototype, "format", {
      get() {
        window.formatted++;
        return get.call(this);
      },
    });
  }
}

/** A list makes no formatter for a row, and is not rendered anew for messages that come after it. */
async function listWork() {
  const page = await signedIn();
  await page.addInitScript(countFormats);
  await goto(page, "/messages", "Messages");
  await rows(page);
  const { made, formatted } = await page.evaluate(() => ({ made: window.made, formatted: window.formatted }));
  check("formatters made for a list of 50", made > 0 && made <= 6, `${made} for ${formatted} texts`);
  const fresh = page.getByRole("button", { name: /^\d+ new$/ });
  const before = await page.evaluate(() => window.formatted);
  for (let i = 0; !(await fresh.isVisible()) && i < 60; i++) {
    await send(i);
    await fresh.waitFor({ timeout: 1000 }).catch(() => {});
  }
  const after = await page.evaluate(() => window.formatted);
  check("messages that come render no row", after === before && (await fresh.isVisible()), `${after - before} texts were formatted`);
  await page.context().close();
}

export async function run() {
  for (let i = 0; i < 60; i++) await send(i);
  for (const path of ["/", "/messages", "/sign-in"]) await paintsFirst(path);
  await listWork();

  const loads = [];
  for (let i = 0; i < 3; i++) loads.push(await load());
  const page = await signedIn();
  await goto(page, "/", "Overview");
  const changes = [];
  const changing = [];
  for (const name of ["Messages", "Templates", "Overview", "Messages", "Templates", "Overview"]) {
    changing.push((await cpu(page, async () => changes.push(await change(page, name)))).task);
  }
  await goto(page, "/audit", "Audit log");
  const list = await cpu(page, async () => {
    await link(page, "Messages").click();
    await rows(page);
  });
  const figures = {
    paint: median(loads.map((l) => l.paint)),
    "load CPU": median(loads.map((l) => l.task)),
    change: median(changes.slice(3)),
    "change CPU": median(changing.slice(3)),
    "list scripting CPU": list.script,
    "JavaScript KB": loads[0].bytes / 1024,
  };
  console.log(`figures: ${JSON.stringify(figures, (_, v) => (typeof v === "number" ? Math.round(v) : v))}`);
  check("JavaScript of the overview", figures["JavaScript KB"] < 190, `${figures["JavaScript KB"]} KB at ${dev.base_url}`);
  for (const { asked } of loads) {
    const sorted = asked.filter((p) => p.startsWith("/v1/") && p !== "/v1/events").sort();
    check("what the overview asks of the API, each once", sorted.join() === "/v1/session,/v1/stats", asked.join());
  }
  if (loadavg()[0] > cpus().length && !process.env.JUDGE) {
    console.log("figures: the machine does other work: times are not judged");
    return;
  }
  check("first contentful paint", figures.paint < 300, JSON.stringify(figures));
  check("a page change", figures.change < 100, JSON.stringify(figures));
  check("scripting of a list of 50", figures["list scripting CPU"] < 50, JSON.stringify(figures));
}
