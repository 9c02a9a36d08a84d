// A webhook of ours, verified by the public npm package.
import http from "node:http";
import { Webhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { api, check, dev, delivered, eq, recipient, until } from "./lib.mjs";

async function verified(Verifier) {
  const events = [];
  const refused = [];
  let verifier;
  const server = http.createServer((req, res) => {
    let body = "";
    req.on("data", (c) => (body += c));
    req.on("end", () => {
      try {
        events.push(verifier.verify(body, req.headers));
      } catch (e) {
        refused.push(e);
      }
      res.writeHead(204).end();
    });
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  const hook = await api("POST", "/v1/webhooks", { url: `http://127.0.0.1:${server.address().port}/`, events: ["message.delivered"] });
  try {
    verifier = new Verifier(hook.secret);
    const { message_id } = await api("POST", "/v1/messages", { to: recipient(), type: "template", reference: "olá 日本", template: { name: "hello_world", language: "en" } });
    await delivered(message_id);
    await until("webhook", () => events.find((e) => e.data.message_id === message_id) || refused.length);
    eq(refused, []);
    eq(events.find((e) => e.data.message_id === message_id).type, "message.delivered");
  } finally {
    await api("DELETE", `/v1/webhooks/${hook.id}`);
    server.closeAllConnections();
    server.close();
  }
}

export async function webhooks() {
  await check("standardwebhooks: a webhook verifies", () => verified(Webhook));
  await check("svix: a webhook verifies", () => verified(SvixWebhook));
}
