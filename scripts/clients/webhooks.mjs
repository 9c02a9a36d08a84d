// Webhooks of ours in every format, verified and read by public libraries. All
// texts have characters outside ASCII.
import http from "node:http";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import twilio6 from "twilio";
import twilio5 from "twilio5";
import { WhatsAppAPI } from "whatsapp-api-js";
import { svixGo } from "./gosdk.mjs";
import { api, assert, channel, check, delivered, eq, openWindow, recipient, until } from "./lib.mjs";

const reference = "olá 日本 😀/x";
const sentence = "Olá, नमस्ते 😀 a/b";

// listen starts a receiver that keeps what it gets.
async function listen() {
  const got = [];
  const server = http.createServer((req, res) => {
    let body = "";
    req.setEncoding("utf8");
    req.on("data", (c) => (body += c));
    req.on("end", () => {
      got.push({ url: `http://${req.headers.host}${req.url}`, headers: req.headers, body });
      res.writeHead(204).end();
    });
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { got, base: `http://127.0.0.1:${server.address().port}`, close };
}

// deliveries subscribes an endpoint of a format to receipts and inbound messages,
// causes one of each, and returns both with the endpoint's secret.
async function deliveries(format, isReceipt, isInbound) {
  const server = await listen();
  const hook = await api("POST", "/v1/webhooks", {
    url: `${server.base}/hook?q=olá&x=%C3%A9`, format, events: ["message.delivered", "message.inbound"],
  });
  try {
    const to = recipient();
    await openWindow(channel("meta"), to, sentence);
    const { message_id: id } = await api("POST", "/v1/messages", {
      to, type: "template", reference, channel: channel("meta").id, template: { name: "hello_world", language: "en" },
    });
    await delivered(id);
    const receipt = await until(`receipt in ${format}`, () => server.got.find((d) => isReceipt(d.body, id)));
    const inbound = await until(`inbound message in ${format}`, () => server.got.find((d) => isInbound(d.body)));
    return { secret: hook.secret, receipt, inbound, id, to };
  } finally {
    await api("DELETE", `/v1/webhooks/${hook.id}`);
    server.close();
  }
}

const json = (text) => JSON.parse(text);
const form = (text) => Object.fromEntries(new URLSearchParams(text));

// verified wants every library of Standard Webhooks to accept a delivery, and to
// refuse another body.
async function verified({ secret, receipt, inbound }) {
  for (const { body, headers } of [receipt, inbound]) {
    for (const Verifier of [Webhook, SvixWebhook]) {
      new Verifier(secret).verify(body, headers);
      assert.throws(() => new Verifier(secret).verify(`${body} `, headers));
    }
    await svixGo({ secret, body, headers });
  }
}

async function standard() {
  const d = await deliveries("standard", (b, id) => json(b).data.message_id === id, (b) => json(b).data.text === sentence);
  eq([json(d.receipt.body).type, json(d.receipt.body).data.reference], ["message.delivered", reference]);
  await verified(d);
}

// kaleyra signs nothing itself: its format has Standard Webhooks' signature.
async function kaleyra() {
  const d = await deliveries("kaleyra", (b, id) => json(b).id === id, (b) => json(b).body === sentence);
  eq([json(d.receipt.body).status, json(d.receipt.body).ref], ["delivered", reference]);
  await verified(d);
}

// meta is verified and read by whatsapp-api-js, which writes what lies outside
// ASCII as Meta does before it signs.
async function meta() {
  const value = (b) => json(b).entry[0].changes[0].value;
  const d = await deliveries("meta", (b, id) => value(b).statuses?.[0].id === `wamid.${id}`, (b) => value(b).messages?.[0].text?.body === sentence);
  const sdk = new WhatsAppAPI({ token: "t", appSecret: d.secret, v: "v21.0", ponyfill: { subtle: globalThis.crypto.subtle, fetch } });
  const heard = {};
  sdk.on.message = ({ message }) => Object.assign(heard, { text: message.text.body });
  sdk.on.status = ({ status, id }) => Object.assign(heard, { status, id });
  for (const { body, headers } of [d.receipt, d.inbound]) {
    assert.match(body, /^[\x20-\x7e]+$/);
    const signature = headers["x-hub-signature-256"];
    await sdk.post(json(body), body, signature);
    assert.ok(await sdk.verifyRequestSignature(JSON.stringify(json(body)).replaceAll("/", "\\/"), signature), "written anew");
    assert.ok(!(await sdk.verifyRequestSignature(`${body} `, signature)), "another body fits as well");
  }
  const [status] = value(d.receipt.body).statuses;
  eq([status.recipient_id, status.biz_opaque_callback_data, status.pricing.pricing_model], [d.to.slice(1), reference, "PMP"]);
  eq(heard, { text: sentence, status: "delivered", id: `wamid.${d.id}` });
}

// twilio is verified by the SDK's own validator over the address as requested.
async function twilio() {
  const d = await deliveries("twilio", (b, id) => form(b).MessageSid === `SM${id.replaceAll("-", "")}`, (b) => form(b).Body === sentence);
  for (const { body, headers, url } of [d.receipt, d.inbound]) {
    for (const sdk of [twilio6, twilio5]) {
      assert.ok(sdk.validateRequest(d.secret, headers["x-twilio-signature"], url, form(body)), `signature over ${url}`);
      assert.ok(!sdk.validateRequest(d.secret, headers["x-twilio-signature"], url, { ...form(body), X: "1" }), "another form fits as well");
    }
  }
  eq([form(d.receipt.body).MessageStatus, form(d.inbound.body).From], ["delivered", `whatsapp:${d.to}`]);
}

export async function webhooks() {
  await check("format standard: standardwebhooks, svix (JS and Go) verify receipts and inbound", standard);
  await check("format meta: whatsapp-api-js verifies and reads receipts and inbound", meta);
  await check("format twilio: validateRequest of twilio 6 and 5", twilio);
  await check("format kaleyra: standardwebhooks, svix (JS and Go) verify receipts and inbound", kaleyra);
}
