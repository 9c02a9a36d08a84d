#!/usr/bin/env bash
# Packages: npm telnyx 7.24.0, @trycourier/courier 7.10.2, @aws-sdk/client-pinpoint-sms-voice-v2 3.1138.0,
# @vonage/messages 1.27.1 with @vonage/auth 1.18.1, twilio 6.3.1.
#
# Guess: the official client of a messaging API doesn't repeat by itself a send whose outcome it can't know, since POST is
# not idempotent and a text sent twice is paid and read twice; or it sends a key by which the server knows a repeat.
#
# So it is not: Telnyx, Courier and AWS send the same message THREE times by default when the connection is cut after the
# server has read it, when it answers 500, and when the answer takes longer than the time limit. Telnyx' README tells of
# two repeats, not of sends. There is no key: the clients of Telnyx and Courier have code that would make one up, and it is
# not switched on; AWS' SendTextMessage has no field for a token. Vonage and Twilio send once and raise an error.
#
# Why it matters: three one-time passwords or three bills from one call that then fails, and one's own retries multiply
# it. Set maxRetries: 0 (AWS: maxAttempts: 1) for sends, and repeat only what surely was not taken.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E telnyx@7.24.0 @trycourier/courier@7.10.2 \
  @aws-sdk/client-pinpoint-sms-voice-v2@3.1138.0 @vonage/messages@1.27.1 @vonage/auth@1.18.1 twilio@6.3.1
cat >main.mjs <<'JS'
import http from "node:http";
import { PinpointSMSVoiceV2Client, SendTextMessageCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import Courier from "@trycourier/courier";
import { Auth } from "@vonage/auth";
import { Messages } from "@vonage/messages";
import Telnyx from "telnyx";
import twilio from "twilio";

let sends, keys, mode;
const server = http.createServer(async (req, res) => {
  let body = "";
  for await (const part of req) body += part;
  sends.push(body);
  if (Object.keys(req.headers).some((name) => name.includes("idempot"))) keys++;
  if (mode === "cut") req.socket.destroy();
  else if (mode === "500") res.writeHead(500, { "content-type": "application/json" }).end("{}");
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}`;
const [from, to, text, timeout] = ["+12025550100", "+12025550123", "Your code is 123456", 1000];

const message = { to: { phone_number: to }, content: { title: "", body: text } };
const auth = new Auth({ apiKey: "key", apiSecret: "secret" });
const aws = () =>
  new PinpointSMSVoiceV2Client({
    region: "us-east-1",
    endpoint: base,
    credentials: { accessKeyId: "id", secretAccessKey: "secret" },
    requestHandler: { requestTimeout: timeout, throwOnRequestTimeout: true },
  });
const sdks = {
  telnyx: () => new Telnyx({ apiKey: "key", baseURL: base, timeout }).messages.send({ from, to, text }),
  courier: () => new Courier({ apiKey: "key", baseURL: base, timeout }).send.message({ message }),
  aws: () => aws().send(new SendTextMessageCommand({ DestinationPhoneNumber: to, MessageBody: text })),
  vonage: () => new Messages(auth, { apiHost: base, timeout }).send({ channel: "sms", messageType: "text", from, to, text }),
  twilio: () => {
    const client = twilio(`AC${"0".repeat(32)}`, "token", { timeout });
    client.api.baseUrl = base;
    return client.messages.create({ from, to, body: text });
  },
};
for (mode of ["cut", "500", "late"])
  for (const [name, send] of Object.entries(sdks)) {
    [sends, keys] = [[], 0];
    const outcome = await send().then(() => "ok", () => "error");
    console.log(mode, name, outcome, "sends", sends.length, "alike", new Set(sends).size === 1, "keys", keys);
  }
process.exit(0);
JS
got=$(node --no-warnings main.mjs)
want='cut telnyx error sends 3 alike true keys 0
cut courier error sends 3 alike true keys 0
cut aws error sends 3 alike true keys 0
cut vonage error sends 1 alike true keys 0
cut twilio error sends 1 alike true keys 0
500 telnyx error sends 3 alike true keys 0
500 courier error sends 3 alike true keys 0
500 aws error sends 3 alike true keys 0
500 vonage error sends 1 alike true keys 0
500 twilio error sends 1 alike true keys 0
late telnyx error sends 3 alike true keys 0
late courier error sends 3 alike true keys 0
late aws error sends 3 alike true keys 0
late vonage error sends 1 alike true keys 0
late twilio error sends 1 alike true keys 0'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
