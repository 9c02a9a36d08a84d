// The lines of the documentation that point a vendor's SDK at Sendoff, run as they are
// printed, but for the host.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Client } from "@great-detail/whatsapp";
import { WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { api, assert, channel, check, delivered, dev, eq, recipient } from "./lib.mjs";

// lines gives the code of a page of the documentation.
function lines(page) {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), "utf8");
  const code = [...text.matchAll(/```js\n(.*?)```/gs)].map((m) => m[1]).join("").replaceAll("https://sendoff.example.com", dev.base_url);
  assert.ok(code.includes(dev.base_url), `no code in ${page}`);
  return code.trim();
}

// evaluate runs code and gives the value of result, with names in scope.
const evaluate = (code, result, names) => new Function(...Object.keys(names), `${code}\nreturn ${result};`)(...Object.values(names));

async function twilioPage() {
  const names = { require: createRequire(import.meta.url), accountSid: dev.account_sid, key: dev.api_key };
  const client = evaluate(lines("dialect-twilio.md"), "client", names);
  const m = await client.messages.create({ to: recipient(), from: channel("twilio", "sms").sender, body: "Your parcel is here" });
  eq(m.status, "queued");
}

async function metaPage() {
  const code = lines("dialect-meta.md").split("\n");
  eq(code.length, 2);
  const made = code.map((line) => evaluate("", line.replace(/;$/, ""), { Client, WhatsAppClient, key: dev.api_key }));
  const phoneNumberId = (await api("GET", `/v1/channels/${channel("meta").id}`)).settings.phone_number_id;
  const template = { name: "hello_world", language: { code: "en" } };
  for (const send of [
    (to) => made[0].message.createMessage({ phoneNumberID: phoneNumberId, to, type: "template", template }).json(),
    (to) => made[1].messages.sendTemplate({ phoneNumberId, to, template }),
  ]) {
    const answer = await send(recipient());
    await delivered(answer.messages[0].id.replace(/^wamid\./, ""));
  }
}

export async function snippets() {
  await check("docs/dialect-twilio.md: the SDK's lines as printed", twilioPage);
  await check("docs/dialect-meta.md: the clients' lines as printed", metaPage);
}
