// What people who build with and on it use: the client's package, make build, the hot reload of make web.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { api, browser, check, dev } from "./kit.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { MAKEFLAGS: _, ...env } = process.env; // of a make above

export async function run() {
  rebuilt();
  await installed();
  await hot();
}

/** Runs f with a file changed, which is as before afterwards, its time too. */
async function changed(file, change, f) {
  const before = readFileSync(file);
  const { atime, mtime } = statSync(file);
  try {
    await f(() => writeFileSync(file, change(before.toString())));
  } finally {
    writeFileSync(file, before);
    utimesSync(file, atime, mtime);
  }
}

/** make build builds the dashboard when one of its sources is newer, and only then. */
function rebuilt() {
  const due = () => spawnSync("make", ["-q", "web/dist/app/index.html"], { cwd: root, env }).status;
  check("a dashboard that was just built is not built again", due() === 0, `${due()}`);
  for (const source of ["web/src/app.tsx", "web/client/src/index.ts", "web/index.html", "web/package-lock.json"]) {
    const file = join(root, source);
    const { atime, mtime } = statSync(file);
    utimesSync(file, new Date(), new Date());
    check(`a change of ${source} has the dashboard built`, due() === 1);
    utimesSync(file, atime, mtime);
  }
  check("nothing else has", due() === 0);
}

const program = `
import { createSendoff, getEvents, postMessages, type Problem } from "@sendoff/client";

const client = createSendoff({ baseUrl: process.argv[2]!, apiKey: process.argv[3]! });
let opened = () => {};
const open = new Promise<void>((resolve) => { opened = resolve; });
const stop = new AbortController();
const { stream } = await getEvents({ client, signal: stop.signal, onSseEvent: () => opened() });
const first = stream.next();
await open;
const { data } = await postMessages({ client, body: { to: "+15550000100", type: "text", text: { body: "from a package" } } });
const id: string = data.message_id!;
// @ts-expect-error: no type of message
void (() => postMessages({ client, body: { to: "+15550000100", type: "telegram" } }));
let event = (await first).value as { message_id?: string } | void;
while (event && event.message_id !== id) event = (await stream.next()).value as typeof event;
try {
  await postMessages({ client, body: { to: "nobody", type: "text", text: { body: "x" } } });
} catch (problem) {
  console.log(JSON.stringify({ id, event, code: (problem as Problem).code }));
}
stop.abort();
`;

/** The package goes into an empty project, is type-checked by both ways to find modules, and sends. */
async function installed() {
  const dir = mkdtempSync(join(tmpdir(), "sendoff-client-"));
  const npm = (...args) =>
    execFileSync("npm", [...args, "--no-audit", "--no-fund", "--loglevel=error"], { cwd: dir, env, encoding: "utf8" });
  const tsc = (...args) =>
    spawnSync(process.execPath, [join(root, "web/node_modules/typescript/bin/tsc"), ...args], { cwd: dir, encoding: "utf8" });
  try {
    writeFileSync(join(dir, "package.json"), '{ "name": "shop", "private": true, "type": "module" }');
    const packed = npm("pack", join(root, "web/client"), "--foreground-scripts=false").trim().split("\n").pop();
    npm("install", "--offline", `./${packed}`);
    writeFileSync(join(dir, "send.ts"), program);
    writeFileSync(join(dir, "node.d.ts"), "declare const process: { argv: string[] };");
    const compilerOptions = { strict: true, target: "es2022", lib: ["es2022", "dom", "dom.iterable"], types: [] };
    writeFileSync(join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    for (const [module, resolution] of [
      ["esnext", "bundler"],
      ["nodenext", "nodenext"],
    ]) {
      const { status, stdout } = tsc("-p", ".", "--module", module, "--moduleResolution", resolution);
      check(`the client's types, found as ${resolution} does`, status === 0, stdout.slice(0, 400));
    }
    const sent = spawnSync(process.execPath, ["send.js", dev.base_url, dev.api_key], { cwd: dir, encoding: "utf8", timeout: 60_000 });
    const { id, event, code } = JSON.parse(sent.stdout || "{}");
    check("a faulty message is refused with its problem", code === "validation_failed", `${code} ${sent.stderr.slice(0, 400)}`);
    check("the package's stream tells of the message", event?.message_id === id && event?.sequence === 1, JSON.stringify(event));
    const message = await api("GET", `/v1/messages/${id}`);
    check("the package has sent a message", message.status === 200 && message.body.to === "+15550000100", `${id} ${message.status}`);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** Returns a port on which nobody listens. */
const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** make web shows a change of a source without a reload, signed in at the sendoff dev behind it. */
async function hot() {
  const port = await freePort();
  const address = `http://127.0.0.1:${port}`;
  const vite = spawn("scripts/web.sh", ["dev", "--port", `${port}`], {
    cwd: root,
    env: { ...env, SENDOFF_URL: dev.base_url },
    detached: true,
    stdio: "ignore",
  });
  try {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    for (let n = 0; n < 300 && !(await fetch(address).catch(() => undefined))?.ok; n++) await new Promise((r) => setTimeout(r, 200));
    const answer = await context.request.post(`${address}/v1/session`, {
      data: { email: dev.dashboard.email, password: dev.dashboard.password },
    });
    check("sign in behind make web", answer.ok(), `${answer.status()}`);
    await page.goto(`${address}/audit`);
    await page.getByRole("heading", { level: 1, name: "Audit log" }).waitFor();
    await page.evaluate(() => {
      window.sameDocument = true;
    });
    await changed(
      join(root, "web/src/pages/audit.tsx"),
      (text) => text.replace('title="Audit log"', 'title="Audit trail"'),
      async (change) => {
        change();
        await page.getByRole("heading", { level: 1, name: "Audit trail" }).waitFor();
        check("a change is shown without a reload", await page.evaluate(() => window.sameDocument === true));
      },
    );
  } finally {
    process.kill(-vite.pid, "SIGTERM");
  }
}
