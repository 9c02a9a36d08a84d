// Runs every query of the Grafana dashboard in a Prometheus and looks at the states
// of the alert rules: alerts.mjs ADDRESS
import { readFileSync } from "node:fs";

const prometheus = process.argv[2];
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function get(path) {
  const res = await fetch(prometheus + path);
  const body = await res.json();
  if (body.status !== "success") throw new Error(`${path}: ${body.error}`);
  return body.data;
}

const query = (expr) => get("/api/v1/query?query=" + encodeURIComponent(expr)).then((d) => d.result.length);

for (let tries = 0; ; tries++) {
  try {
    if (await query('count(up == 1) == 2')) break;
  } catch (e) {
    if (tries > 60) throw e;
  }
  if (tries > 60) throw new Error("Prometheus scrapes nothing");
  await wait(500);
}
await wait(5000); // a rate needs some samples

const faults = [];
let queries = 0;
for (const panel of JSON.parse(readFileSync("deploy/grafana/sendoff.json", "utf8")).panels) {
  for (const { expr } of panel.targets ?? []) {
    queries++;
    try {
      await query(expr.replaceAll("$__rate_interval", "30s"));
    } catch (e) {
      faults.push(`${panel.title}: ${e.message}`);
    }
  }
}
const rules = (await get("/api/v1/rules")).groups.flatMap((g) => g.rules);
for (const r of rules) {
  if (r.lastError) faults.push(`${r.name}: ${r.lastError}`);
  if (r.state === "firing" && r.name !== "SendoffWatchdog") faults.push(`${r.name} fires on an idle Sendoff`);
}
console.log(`alerts: ${queries} queries and ${rules.length} rules ran`);
for (const f of faults) console.error("alerts:", f);
process.exit(faults.length ? 1 : 0);
