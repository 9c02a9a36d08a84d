// Two more Cloud API clients from npm.
import { Client } from "@great-detail/whatsapp";
import { WhatsAppAPI } from "whatsapp-api-js";
import { Template, Language } from "whatsapp-api-js/messages";
import { api, assert, channel, check, delivered, dev, eq, isID, receivedJSON, recipient } from "./lib.mjs";

const phoneNumberID = (await api("GET", `/v1/channels/${channel("meta").id}`)).settings.phone_number_id;

// arrived reads a message back by its id and gives the template that Meta got.
async function arrived(answer, to) {
  const [, id] = answer.messages[0].id.match(/^wamid\.(.+)$/);
  isID(id);
  eq((await delivered(id)).to, to);
  return (await receivedJSON(to)).template.name;
}

async function greatDetail() {
  const sdk = new Client({ prefixUrl: dev.base_url, request: { headers: { Authorization: `Bearer ${dev.api_key}` } } });
  const to = recipient();
  const answer = await sdk.message.createMessage({
    phoneNumberID, to, type: "template", template: { name: "hello_world", language: { code: "en" } },
  }).json();
  eq(await arrived(answer, to), "hello_world");
  const read = await sdk.message.createStatus({ phoneNumberID, status: "read", message_id: answer.messages[0].id }).json();
  eq(read, { success: true });
}

async function apiJS() {
  const local = (url, init) => fetch(String(url).replace("https://graph.facebook.com", dev.base_url), init);
  const sdk = new WhatsAppAPI({ token: dev.api_key, secure: false, v: "v21.0", ponyfill: { fetch: local } });
  const to = recipient();
  const answer = await sdk.sendMessage(phoneNumberID, to.slice(1), new Template("hello_world", new Language("en")));
  assert.ok(answer.messages, JSON.stringify(answer));
  eq(await arrived(answer, to), "hello_world");
}

export async function cloudClients() {
  await check("@great-detail/whatsapp: sends a template, marks as read", greatDetail);
  await check("whatsapp-api-js: sends a template", apiJS);
}
