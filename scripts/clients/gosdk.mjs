// Public Go SDKs: gosdk/ is a module of its own, built once in a temporary folder
// (as main.go.txt it is no package of the product).
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { assert, channel, check, dev, eq, recipient, run } from "./lib.mjs";

let program; // the path of the built binary, once it is built

/** Builds gosdk/ into a temporary folder and returns the path of the program. */
async function goSDK() {
  program ??= (async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "sendoff-gosdk-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    const binary = path.join(folder, "gosdk");
    const cwd = path.join(folder, "source");
    cpSync(path.join(import.meta.dirname, "gosdk"), cwd, { recursive: true });
    renameSync(path.join(cwd, "main.go.txt"), path.join(cwd, "main.go"));
    await run("go", ["build", "-trimpath", "-o", binary, "."], { cwd, timeout: 240_000, env: { ...process.env, GOFLAGS: "" } });
    return binary;
  })();
  return program;
}

/** Verifies a delivery with svix's Go library. */
export async function svixGo(delivery) {
  const child = spawn(await goSDK(), ["svix"], { stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (out += chunk));
  child.stdin.end(JSON.stringify(delivery));
  await new Promise((done) => child.on("close", done));
  assert.equal(out.trim(), "verified");
}

// twilioGo sends with the key's Twilio form: twilio-go takes letters and digits only.
async function twilioGo() {
  const token = dev.api_key.replaceAll("_", "");
  assert.match(token, /^[a-zA-Z0-9]+$/);
  const args = ["twilio", dev.base_url, dev.account_sid, token, channel("twilio", "sms").sender, recipient()];
  const { stdout } = await run(await goSDK(), args, { timeout: 60_000 });
  eq(stdout.trim(), "Olá, नमस्ते 😀");
}

export async function goClients() {
  await check("twilio-go 1.31.0: sends, fetches, lists, reads its errors", twilioGo);
}
