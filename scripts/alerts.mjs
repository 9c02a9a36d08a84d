// Starts Prometheus in front of the `sendoff dev` of DEV_JSON, runs every query of
// the Grafana dashboard in it and looks at the states of the alert rules:
//
//   DEV_JSON=... alerts.mjs PROMETHEUS
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const dir = mkdtempSync(join(tmpdir(), "sendoff-alerts-"));
const port = await new Promise((done) => {
  const s = createServer().listen(0, "127.0.0.1", () => {
    const { port } = s.address();
    s.close(() => done(port));
  });
});
const target = JSON.parse(readFileSync(process.env.DEV_JSON, "utf8")).base_url.replace("http://", "");
const job = (name) => ({ job_name: name, static_configs: [{ targets: [target] }] });
writeFileSync(
  join(dir, "prometheus.yml"), // JSON is YAML
  JSON.stringify({
    global: { scrape_interval: "1s", evaluation_interval: "1s" },
    rule_files: [resolve("deploy/alerts/sendoff.yaml")],
    scrape_configs: [job("sendoff-serve"), job("sendoff-work")],
  }),
);
const prometheus = `http://127.0.0.1:${port}`;
const server = spawn(
  process.argv[2],
  [`--config.file=${dir}/prometheus.yml`, `--storage.tsdb.path=${dir}/tsdb`, `--web.listen-address=127.0.0.1:${port}`],
  { stdio: "ignore" },
);
process.on("exit", () => {
  server.kill("SIGKILL");
  rmSync(dir, { recursive: true, force: true });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

async function get(path) {
  const res = await fetch(prometheus + path);
  const body = await res.json();
  if (body.status !== "success") throw new Error(`${path}: ${body.error}`);
  return body.data;
}

const query = (expr) => get("/api/v1/query?query=" + encodeURIComponent(expr)).then((d) => d.result.length);

// Two samples of each job make a rate.
for (let tries = 0; ; tries++) {
  const ready = await query("rate(process_cpu_seconds_total[30s])").catch(() => 0);
  if (ready === 2) break;
  if (tries > 60) throw new Error("Prometheus does not scrape sendoff dev");
  await wait(500);
}

const faults = [];
let queries = 0;
let answered = 0;
for (const panel of JSON.parse(readFileSync("deploy/grafana/sendoff.json", "utf8")).panels) {
  for (const { expr } of panel.targets ?? []) {
    queries++;
    try {
      if (await query(expr.replaceAll("$__rate_interval", "30s"))) answered++;
    } catch (e) {
      faults.push(`${panel.title}: ${e.message}`);
    }
  }
}
const rules = (await get("/api/v1/rules")).groups.flatMap((g) => g.rules);
for (const r of rules) {
  if (r.lastError) faults.push(`${r.name}: ${r.lastError}`);
  // A rule without `for` would fire at once; one with `for` is pending for as long before it fires.
  const want = r.name === "SendoffWatchdog" ? "firing" : "inactive";
  if (r.type === "alerting" && r.state !== want) faults.push(`${r.name} is ${r.state} on an idle Sendoff, not ${want}`);
}
console.log(`alerts: ${queries} queries and ${rules.length} rules ran, ${answered} queries have data`);
for (const f of faults) console.error("alerts:", f);
process.exit(faults.length ? 1 : 0);
