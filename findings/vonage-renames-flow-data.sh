#!/usr/bin/env bash
# Packages: npm @vonage/messages 1.27.1 with @vonage/auth 1.18.1.
#
# Guess: the client turns its own camelCase names into the API's snake_case, and leaves the object "custom" alone: it holds
# a message in WhatsApp's format, its type is an object of anything, and names in it are WhatsApp's or one's own.
#
# So it is not: every key at every depth is rewritten, those of the data of a Flow as well, which are the names of its
# screen's fields: customerName becomes customer_name, X becomes x. Two that become the same are ONE: of order-id and
# orderID only the last value is sent. Keys that are snake_case already pass, such as all of WhatsApp's own.
#
# Why it matters: a Flow that asks for customerName gets none, and nothing tells why, as what one logs
# before the call is right. Name fields of Flows in snake_case, or send custom messages without the client.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E @vonage/messages@1.27.1 @vonage/auth@1.18.1
cat >main.mjs <<'JS'
import http from "node:http";
import { Auth } from "@vonage/auth";
import { Messages, WhatsAppCustom } from "@vonage/messages";

let sent;
const server = http.createServer(async (req, res) => {
  let body = "";
  for await (const part of req) body += part;
  sent = JSON.parse(body);
  res.writeHead(202, { "content-type": "application/json" }).end('{"message_uuid":"1"}');
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));

const data = { customerName: "Ann", "order-id": 1, orderID: 2, X: 3, plan_b: 4 };
const parameters = { flow_id: "1", flow_action: "navigate", flow_action_payload: { screen: "ORDER", data } };
const interactive = { type: "flow", body: { text: "Your order" }, action: { name: "flow", parameters } };
const client = new Messages(new Auth({ apiKey: "key", apiSecret: "secret" }), { apiHost: `http://127.0.0.1:${server.address().port}` });
await client.send(new WhatsAppCustom({ from: "12025550100", to: "12025550123", custom: { type: "interactive", interactive } }));
console.log("given", JSON.stringify(data));
console.log("sent ", JSON.stringify(sent.custom.interactive.action.parameters.flow_action_payload.data));
process.exit(0);
JS
got=$(node --no-warnings main.mjs)
want='given {"customerName":"Ann","order-id":1,"orderID":2,"X":3,"plan_b":4}
sent  {"customer_name":"Ann","order_id":2,"x":3,"plan_b":4}'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
