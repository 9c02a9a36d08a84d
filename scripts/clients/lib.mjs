// What the checks share: the running Sendoff, its emulator, and the tally.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

export const dev = JSON.parse(readFileSync(process.env.DEV_JSON, "utf8"));
export const run = promisify(execFile);

// eq fails unless both are the same in every part.
export const eq = assert.deepStrictEqual;
export { assert };

const tally = { passed: 0, failed: 0, skipped: 0 };

// check runs one check, prints its line and goes on.
export async function check(name, fn) {
  try {
    await fn();
    tally.passed++;
    console.log(`ok    ${name}`);
  } catch (e) {
    tally.failed++;
    console.log(`FAIL  ${name}\n      ${String(e.stack ?? e).split("\n").join("\n      ")}`);
  }
}

export function skip(name, why) {
  tally.skipped++;
  console.log(`SKIP  ${name}: ${why}`);
}

// finish prints the tally and gives the exit code.
export function finish() {
  const skipped = tally.skipped ? `, ${tally.skipped} SKIPPED` : "";
  console.log(`${tally.passed} passed, ${tally.failed} failed${skipped}`);
  return tally.failed ? 1 : 0;
}

// channel finds a demo channel.
export function channel(provider, kind = "whatsapp") {
  return dev.channels.find((c) => c.provider === provider && c.kind === kind);
}

export function template(name) {
  return dev.templates.find((t) => t.name === name);
}

let numbers = 0;

// recipient gives a number that nothing else here is sent to; its ending is
// none of the emulator's magic ones.
export function recipient() {
  return `+9198765${43000 + ++numbers}`;
}

async function ask(url, options) {
  const res = await fetch(url, options);
  const text = await res.text();
  assert.ok(res.ok, `${options?.method ?? "GET"} ${url}: ${res.status} ${text}`);
  return text && JSON.parse(text);
}

// api asks /v1 with the demo key.
export function api(method, path, body) {
  const headers = { Authorization: `Bearer ${dev.api_key}`, "Content-Type": "application/json" };
  return ask(dev.base_url + path, { method, headers, body: body && JSON.stringify(body) });
}

// until repeats fn until it gives something, for at most 30 s.
export async function until(what, fn) {
  const end = Date.now() + 30_000;
  for (;;) {
    const found = await fn();
    if (found) return found;
    assert.ok(Date.now() < end, `no ${what} after 30 s`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

// delivered waits until a message is delivered and gives it.
export function delivered(id) {
  return until(`delivery of ${id}`, async () => {
    const m = await api("GET", `/v1/messages/${id}?wait=2`);
    assert.ok(!["failed", "expired", "unknown"].includes(m.status), JSON.stringify(m));
    return m.status === "delivered" && m;
  });
}

// received gives the one request that the provider got for a recipient.
export async function received(to) {
  const { requests } = await ask(`${dev.emulator_url}/_emulator/requests?to=${encodeURIComponent(to)}`);
  eq(requests.length, 1, `${requests.length} requests to ${to}`);
  assert.ok(requests[0].accepted, "not accepted by the provider");
  return requests[0];
}

// receivedJSON is received with its JSON body read.
export async function receivedJSON(to) {
  return JSON.parse((await received(to)).body);
}

// receivedForm is received with its form read.
export async function receivedForm(to) {
  return Object.fromEntries(new URLSearchParams((await received(to)).body));
}

// openWindow has the recipient write to a channel, and waits until that counts.
export async function openWindow(ch, from, text = "Hello") {
  await ask(`${dev.emulator_url}/_emulator/inbound`, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ channel: ch.key, from, text }),
  });
  await until(`inbound message from ${from}`, async () => {
    const { data } = await api("GET", "/v1/inbound?limit=100");
    return data.some((m) => m.from === from);
  });
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// isID fails unless id is one of our message ids.
export function isID(id) {
  assert.match(id, uuid);
}

// replaced gives text with every placeholder replaced; each must be there. A
// list of values goes to a placeholder's places in turn.
export function replaced(text, values) {
  for (const [from, to] of Object.entries(values)) {
    assert.ok(text.includes(from), `no ${from} in the page's text`);
    const turn = [to].flat();
    text = text.replaceAll(from, () => (turn.length > 1 ? turn.shift() : turn[0]));
  }
  return text;
}
