// How fast the dashboard is, printed; the limits are those of its issue. Besides the
// time on the clock, which what else the machine does makes longer, the CPU time of
// the page's main thread is printed. Nothing is judged on a busy machine.
import { cpus, loadavg } from "node:os";
import { api, check, dev, goto, signedIn } from "./kit.mjs";

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

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export async function run() {
  for (let i = 0; i < 60; i++) {
    await api("POST", "/v1/messages", { to: `+1555000${2000 + i}`, type: "template", template: { name: "hello_world", language: "en" } });
  }
  const paints = [];
  const loads = [];
  let loaded = 0;
  for (let i = 0; i < 3; i++) {
    const page = await signedIn(); // nothing is cached
    loads.push((await cpu(page, () => goto(page, "/", "Overview"))).task);
    const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
    if (paint) paints.push(paint);
    loaded = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((r) => r.name.endsWith(".js"))
        .reduce((sum, r) => sum + r.encodedBodySize, 0),
    );
    await page.context().close();
  }
  const page = await signedIn();
  await goto(page, "/", "Overview");
  const changes = [];
  const changing = [];
  for (const name of ["Messages", "Templates", "Overview", "Messages", "Templates", "Overview"]) {
    const began = await page.evaluate(() => performance.now());
    const used = await cpu(page, async () => {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    });
    changing.push(used.task);
    changes.push((await page.evaluate(() => performance.now())) - began);
  }
  await goto(page, "/audit", "Audit log");
  const list = await cpu(page, async () => {
    await page.getByRole("link", { name: "Messages", exact: true }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length >= 50);
  });
  const figures = {
    paint: median(paints),
    "load CPU": median(loads),
    change: median(changes.slice(3)),
    "change CPU": median(changing.slice(3)),
    "list scripting CPU": list.script,
    "JavaScript KB": loaded / 1024,
  };
  console.log(`figures: ${JSON.stringify(figures, (_, v) => (typeof v === "number" ? Math.round(v) : v))}`);
  check("JavaScript of the overview", figures["JavaScript KB"] < 190, `${figures["JavaScript KB"]} KB at ${dev.base_url}`);
  if (loadavg()[0] > cpus().length) {
    console.log("figures: the machine does other work: times are not judged");
    return;
  }
  check("first contentful paint", figures.paint < 300, JSON.stringify(figures));
  check("a page change", figures.change < 100, JSON.stringify(figures));
  check("scripting of a list of 50", figures["list scripting CPU"] < 50, JSON.stringify(figures));
}
