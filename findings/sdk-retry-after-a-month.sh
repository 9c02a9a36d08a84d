#!/usr/bin/env bash
# Packages: npm telnyx 7.24.0, @trycourier/courier 7.10.2, @aws-sdk/client-pinpoint-sms-voice-v2 3.1138.0, twilio 6.3.1.
#
# Guess: a client that repeats a call after 429 waits as long as Retry-After says, or gives up when that is too long for it;
# the longer the time, the surer it doesn't come again soon.
#
# So it is not: with 2 seconds three of the four wait, and with a day Telnyx and Courier wait the whole day, the call still
# open. With 30 days, what a server says whose monthly limit is used up, the same two come again AT ONCE: the wait is
# longer than a timer of JavaScript can hold (2^31 ms, 24.8 days), so it fires after 1 ms, until the tries are used up.
# AWS comes again after some seconds whatever is asked; Twilio with autoRetry never looks at the header.
#
# Why it matters: whoever is over the month's limit is hammered hardest, and a caller waits for a day for an answer that
# could be an error now. As a server, keep Retry-After below 24 days; as a client, set maxRetries: 0 and wait yourself.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E telnyx@7.24.0 @trycourier/courier@7.10.2 \
  @aws-sdk/client-pinpoint-sms-voice-v2@3.1138.0 twilio@6.3.1
cat >main.mjs <<'JS'
import http from "node:http";
import { PinpointSMSVoiceV2Client, SendTextMessageCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import Courier from "@trycourier/courier";
import Telnyx from "telnyx";
import twilio from "twilio";

const window = 12_000; // ms that are watched
let calls, retryAfter;
const server = http.createServer((req, res) => {
  calls.push(performance.now());
  req.resume().on("end", () => res.writeHead(429, { "content-type": "application/json", "retry-after": retryAfter }).end("{}"));
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}`;
const [from, to, text] = ["+12025550100", "+12025550123", "Hi"];

const message = { to: { phone_number: to }, content: { title: "", body: text } };
const credentials = { accessKeyId: "id", secretAccessKey: "secret" };
const aws = () => new PinpointSMSVoiceV2Client({ region: "us-east-1", endpoint: base, credentials });
const sdks = {
  telnyx: () => new Telnyx({ apiKey: "key", baseURL: base }).messages.send({ from, to, text }),
  courier: () => new Courier({ apiKey: "key", baseURL: base }).send.message({ message }),
  aws: () => aws().send(new SendTextMessageCommand({ DestinationPhoneNumber: to, MessageBody: text })),
  twilio: () => {
    const client = twilio(`AC${"0".repeat(32)}`, "token", { autoRetry: true });
    client.api.baseUrl = base;
    return client.messages.create({ from, to, body: text });
  },
};
for (const seconds of [2, 86_400, 30 * 86_400])
  for (const [name, send] of Object.entries(sdks)) {
    [calls, retryAfter] = [[], String(seconds)];
    await Promise.race([send().catch(() => {}), new Promise((done) => setTimeout(done, window))]);
    const early = calls.slice(1).some((at, i) => at - calls[i] < seconds * 1000 - 100);
    console.log("Retry-After", seconds, name, calls.length < 2 ? "waits" : early ? "comes again too early" : "comes again in time");
  }
process.exit(0);
JS
got=$(node --no-warnings main.mjs)
want='Retry-After 2 telnyx comes again in time
Retry-After 2 courier comes again in time
Retry-After 2 aws comes again in time
Retry-After 2 twilio comes again too early
Retry-After 86400 telnyx waits
Retry-After 86400 courier waits
Retry-After 86400 aws comes again too early
Retry-After 86400 twilio comes again too early
Retry-After 2592000 telnyx comes again too early
Retry-After 2592000 courier comes again too early
Retry-After 2592000 aws comes again too early
Retry-After 2592000 twilio comes again too early'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
