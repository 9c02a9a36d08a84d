// The Sociocs page's own Node and Python samples. Nothing of them is changed but
// the address, the key, the channel key and the recipient.
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { assert, channel, check, delivered, dev, eq, isID, receivedForm, recipient, replaced, run, skip } from "./lib.mjs";

async function sample(name, program) {
  const dir = await mkdtemp(path.join(tmpdir(), "sendoff-sample-"));
  try {
    const to = recipient();
    const ch = channel("twilio", "sms");
    const source = await readFile(new URL(`samples/${name}`, import.meta.url), "utf8");
    await symlink(new URL("node_modules", import.meta.url).pathname, path.join(dir, "node_modules"));
    await writeFile(path.join(dir, name), replaced(source, { "https://api.sociocs.com": dev.base_url, your_api_key: dev.api_key, your_channel_key: ch.key, phone_number: to }));
    const { stdout } = await run(program, [path.join(dir, name)], { timeout: 30_000 });
    const answer = JSON.parse(stdout);
    eq(answer, { status: "success", data: { message_id: answer.data?.message_id } });
    isID(answer.data.message_id);
    await delivered(answer.data.message_id);
    const { Body, To, From } = await receivedForm(to);
    eq({ Body, To, From }, { Body: "message", To: to, From: ch.sender });
  } finally {
    await rm(dir, { recursive: true });
  }
}

export async function samples() {
  await check("sociocs: the page's Node sample (axios)", () => sample("sociocs.cjs", process.execPath));
  const name = "sociocs: the page's Python sample (requests)";
  try {
    await run("python3", ["-c", "import requests"]);
  } catch {
    assert.ok(!process.env.CLIENTS_REQUIRED, "python3 with requests is missing");
    skip(name, "python3 has no requests (apt-get install python3-requests)");
    return;
  }
  await check(name, () => sample("sociocs.py", "python3"));
}
