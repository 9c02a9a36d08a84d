// How fast the dashboard is, printed; the limits are those of its issue.
import { cpus, loadavg } from "node:os";
import { api, check, dev, goto, signedIn } from "./kit.mjs";

/** Counts the scripting of an action in milliseconds, as the browser does. */
async function scripting(page, action) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const read = async () => (await session.send("Performance.getMetrics")).metrics.find((m) => m.name === "ScriptDuration").value * 1000;
  const before = await read();
  await action();
  return (await read()) - before;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export async function run() {
  for (let i = 0; i < 60; i++) {
    await api("POST", "/v1/messages", { to: `+1555000${2000 + i}`, type: "template", template: { name: "hello_world", language: "en" } });
  }
  const paints = [];
  let loaded = 0;
  for (let i = 0; i < 3; i++) {
    const page = await signedIn(); // nothing is cached
    await goto(page, "/", "Overview");
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
  for (const name of ["Messages", "Templates", "Overview", "Messages", "Templates", "Overview"]) {
    const began = await page.evaluate(() => performance.now());
    await page.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    changes.push((await page.evaluate(() => performance.now())) - began);
  }
  await goto(page, "/audit", "Audit log");
  const list = await scripting(page, async () => {
    await page.getByRole("link", { name: "Messages", exact: true }).click();
    await page.waitForFunction(() => document.querySelectorAll("tbody tr").length >= 50);
  });
  const figures = { paint: median(paints), change: median(changes.slice(3)), list, "JavaScript KB": loaded / 1024 };
  console.log(`figures: ${JSON.stringify(figures, (_, v) => (typeof v === "number" ? Math.round(v) : v))}`);
  check("JavaScript of the overview", figures["JavaScript KB"] < 190, `${figures["JavaScript KB"]} KB at ${dev.base_url}`);
  if (loadavg()[0] > cpus().length) {
    console.log("figures: the machine does other work: times are not judged");
    return;
  }
  check("first contentful paint", figures.paint < 300, `${figures.paint} ms`);
  check("a page change", figures.change < 100, `${figures.change} ms`);
  check("scripting of a list of 50", figures.list < 50, `${figures.list} ms`);
}
