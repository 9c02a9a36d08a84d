// A Cloud API client from npm, with nothing changed but its base URL.
import { GraphApiError, WhatsAppClient } from "@kapso/whatsapp-cloud-api";
import { api, assert, channel, check, delivered, dev, eq, isID, openWindow, receivedJSON, recipient } from "./lib.mjs";

const client = new WhatsAppClient({ baseUrl: dev.base_url, accessToken: dev.api_key });
const phoneNumberId = (await api("GET", `/v1/channels/${channel("meta").id}`)).settings.phone_number_id;

// sent checks the client's view of an answer, reads the message back by its id
// until it is delivered and gives what Meta received.
async function sent(answer, to) {
  eq(answer.messagingProduct, "whatsapp");
  eq([answer.contacts.length, answer.contacts[0].waId, answer.messages.length], [1, to.slice(1), 1]);
  const [, id] = answer.messages[0].id.match(/^wamid\.(.+)$/);
  isID(id);
  eq((await delivered(id)).to, to);
  return receivedJSON(to);
}

async function sendTemplate() {
  const to = recipient();
  const answer = await client.messages.sendTemplate({
    phoneNumberId, to,
    template: {
      name: "order_confirmation", language: { code: "en" },
      components: [{ type: "body", parameters: [{ type: "text", text: "Ada" }, { type: "text", text: "A-17" }, { type: "text", text: "9.90" }] }],
    },
  });
  const got = await sent(answer, to);
  eq([got.template.name, got.template.language.code, got.template.components[0].parameters.map((p) => p.text)], ["order_confirmation", "en", ["Ada", "A-17", "9.90"]]);
}

async function sendText() {
  const to = recipient();
  const text = { phoneNumberId, to, body: "Hello from npm" };
  await rejects(client.messages.sendText(text), 400, 131047);
  await openWindow(channel("meta"), to);
  const got = await sent(await client.messages.sendText(text), to);
  eq([got.type, got.text.body], ["text", "Hello from npm"]);
}

// rejects wants the client's own exception with Meta's code.
function rejects(promise, status, code) {
  return assert.rejects(promise, (e) => {
    assert.ok(e instanceof GraphApiError, String(e));
    eq([e.httpStatus, e.code], [status, code]);
    return true;
  });
}

async function errors() {
  const template = { name: "no_such_template", language: { code: "en" } };
  await rejects(client.messages.sendTemplate({ phoneNumberId, to: recipient(), template }), 404, 132001);
  const stranger = new WhatsAppClient({ baseUrl: dev.base_url, accessToken: "sk_live_wrong" });
  await rejects(stranger.messages.sendTemplate({ phoneNumberId, to: recipient(), template }), 401, 190);
}

export async function whatsappClient() {
  await check("whatsapp: the npm client sends a template and reads its id", sendTemplate);
  await check("whatsapp: the npm client sends a text, outside and inside the window", sendText);
  await check("whatsapp: errors are the client's own with Meta's codes", errors);
}
