// Clients that public generators make of the API's whole description: they compile,
// and send.
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { check, dev, eq, recipient } from "./lib.mjs";

const npm = path.join(import.meta.dirname, "node_modules");
let here; // a copy of generated/

/** Runs a program in the copy and returns what it prints. */
async function run(program, ...args) {
  const { stdout } = await promisify(execFile)(program, args, { cwd: here, timeout: 200_000, env: { ...process.env, GOFLAGS: "" }, maxBuffer: 1 << 26 });
  return stdout.trim();
}

async function oapiCodegen() {
  mkdirSync(path.join(here, "api"));
  await run("go", "tool", "oapi-codegen", "-config", "oapi-codegen.yaml", "openapi.json");
  eq(await run("go", "run", ".", dev.base_url, dev.api_key, recipient()), "delivered");
}

async function heyAPI() {
  await run(path.join(npm, ".bin/openapi-ts"), "--silent", "-i", "openapi.json", "-o", "ts", "-c", "@hey-api/client-fetch");
  await run(path.join(npm, ".bin/tsc"), "-p", "tsconfig.json");
  writeFileSync(path.join(here, "js/package.json"), '{"type":"commonjs"}');
  eq(await run(process.execPath, "js/send.js", dev.base_url, dev.api_key, recipient()), "delivered");
}

export async function generators() {
  here = mkdtempSync(path.join(tmpdir(), "sendoff-generators-"));
  try {
    cpSync(path.join(import.meta.dirname, "generated"), here, { recursive: true });
    writeFileSync(path.join(here, "openapi.json"), await (await fetch(`${dev.base_url}/openapi.json`)).text());
    await check("oapi-codegen 2.8.2: its client compiles and sends", oapiCodegen);
    await check("hey-api 0.90.0: its client compiles and sends", heyAPI);
  } finally {
    rmSync(here, { recursive: true });
  }
}
