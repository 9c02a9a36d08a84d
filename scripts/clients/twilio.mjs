// The official Twilio SDK, with nothing changed but its base URL.
import http from "node:http";
import twilio6 from "twilio";
import twilio5 from "twilio5";
import { api, assert, channel, check, delivered, dev, eq, received, receivedForm, recipient, template, until } from "./lib.mjs";

let twilio; // the SDK under test
let client;

// use makes version the SDK under test.
function use(version) {
  twilio = version;
  client = twilio(dev.account_sid, dev.api_key);
  client.api.baseUrl = dev.base_url;
}

// idOf gives our message id of Twilio's.
const idOf = (sid) => sid.slice(2).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const sms = channel("twilio", "sms");

// fetched reads a message by its sid until it is delivered.
const fetched = (sid) => until(`delivery of ${sid}`, async () => {
  const m = await client.messages(sid).fetch();
  return m.status === "delivered" && m;
});

let sent; // the SMS, for the list

async function sendSMS() {
  const to = recipient();
  const m = await client.messages.create({ to, from: sms.sender, body: "Your parcel is here" });
  assert.match(m.sid, /^SM[0-9a-f]{32}$/);
  eq([m.status, m.to, m.from, m.body, m.accountSid, m.direction, m.numSegments, m.errorCode],
    ["queued", to, sms.sender, "Your parcel is here", dev.account_sid, "outbound-api", "1", null]);
  assert.ok(m.dateCreated instanceof Date && !Number.isNaN(m.dateCreated.valueOf()));
  sent = await fetched(m.sid);
  eq([sent.sid, sent.body, sent.to, sent.errorCode], [m.sid, m.body, to, null]);
  assert.ok(sent.dateSent instanceof Date);
  const { To, From, Body } = await receivedForm(to);
  eq({ To, From, Body }, { To: to, From: sms.sender, Body: "Your parcel is here" });
}

async function sendTemplate() {
  const to = recipient();
  const wa = channel("twilio");
  const contentSid = template("appointment_twilio").provider_template_id;
  const m = await client.messages.create({
    to: `whatsapp:${to}`, from: `whatsapp:${wa.sender}`, contentSid, contentVariables: JSON.stringify({ 1: "Ada", 2: "Monday" }),
  });
  const end = await fetched(m.sid);
  eq([end.to, end.from], [`whatsapp:${to}`, `whatsapp:${wa.sender}`]);
  const { To, ContentSid, ContentVariables } = await receivedForm(to);
  eq({ To, ContentSid, variables: JSON.parse(ContentVariables) }, { To: `whatsapp:${to}`, ContentSid: contentSid, variables: { 1: "Ada", 2: "Monday" } });
}

async function list() {
  const found = await client.messages.list({ to: sent.to, limit: 20 });
  eq(found.map((m) => [m.sid, m.status, m.body]), [[sent.sid, "delivered", sent.body]]);
  const walked = []; // over pages of one
  for await (const m of pagesOf(1)) walked.push(m.sid);
  assert.ok(walked.length >= 2 && new Set(walked).size === walked.length, `${walked.length} messages, ${new Set(walked).size} different`);
  assert.ok(walked.includes(sent.sid));
}

// pagesOf walks the pages of all messages, at most six.
async function* pagesOf(pageSize) {
  let page = await client.messages.page({ pageSize });
  for (let n = 0; page && n < 6; n++) {
    yield* page.instances;
    page = await page.nextPage();
  }
}

// rejects wants the SDK's own exception with Twilio's code.
function rejects(promise, status, code) {
  return assert.rejects(promise, (e) => {
    assert.ok(e instanceof twilio.RestException, String(e));
    eq([e.status, e.code], [status, code]);
    assert.equal(e.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
    return true;
  });
}

async function errors() {
  await rejects(client.messages.create({ to: "+1", from: sms.sender, body: "x" }), 400, 21211);
  await rejects(client.messages.create({ to: recipient(), from: "+15559999999", body: "x" }), 400, 21606);
  await rejects(client.messages.create({ to: recipient(), from: sms.sender, body: "" }), 400, 21602);
  await rejects(client.messages("SM" + "0".repeat(32)).fetch(), 404, 20404);
  const stranger = twilio(dev.account_sid, "sk_live_wrong");
  stranger.api.baseUrl = dev.base_url;
  await rejects(stranger.messages.create({ to: recipient(), from: sms.sender, body: "x" }), 401, 20003);
}

// statusCallback receives callbacks and verifies them with the SDK.
async function statusCallback() {
  const { auth_token } = await api("GET", "/v1/webhooks/twilio-token");
  const got = [];
  const server = http.createServer((req, res) => {
    let body = "";
    req.on("data", (c) => (body += c));
    req.on("end", () => {
      got.push({ url: `http://${req.headers.host}${req.url}`, signature: req.headers["x-twilio-signature"], params: Object.fromEntries(new URLSearchParams(body)) });
      res.writeHead(204).end();
    });
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  try {
    const url = `http://127.0.0.1:${server.address().port}/status?order=17&x=%C3%A9`;
    const m = await client.messages.create({ to: recipient(), from: sms.sender, body: "Your parcel is here", statusCallback: url });
    await until("callback 'delivered'", () => got.some((c) => c.params.MessageStatus === "delivered"));
    for (const c of got) {
      eq(c.url, url);
      assert.ok(twilio.validateRequest(auth_token, c.signature, url, c.params), `signature of ${c.params.MessageStatus}`);
      assert.ok(!twilio.validateRequest(auth_token + "x", c.signature, url, c.params), "another token fits as well");
      eq([c.params.MessageSid, c.params.AccountSid, c.params.To], [m.sid, dev.account_sid, m.to]);
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

// change cancels, redacts and deletes as the SDK does.
async function change() {
  const m = await client.messages.create({
    to: recipient(), from: sms.sender, body: "später", sendAt: new Date(Date.now() + 3_600_000), scheduleType: "fixed",
    mediaUrl: ["https://example.com/a.png", "https://example.com/b.png"],
  });
  eq((await client.messages(m.sid).media.list()).length, 2);
  eq((await client.messages(m.sid).update({ status: "canceled" })).status, "canceled");
  eq((await client.messages(m.sid).update({ body: "" })).body, "");
  eq(await client.messages(m.sid).remove(), true);
  await rejects(client.messages(m.sid).fetch(), 404, 20404);
}

// account reads the account, its balance and numbers, and today's messages.
async function account() {
  eq((await client.api.v2010.accounts(dev.account_sid).fetch()).sid, dev.account_sid);
  assert.match((await client.balance.fetch()).balance, /^-?\d+(\.\d+)?$/);
  const [number] = await client.incomingPhoneNumbers.list({ phoneNumber: sms.sender });
  eq((await client.incomingPhoneNumbers(number.sid).fetch()).phoneNumber, sms.sender);
  const today = new Date(new Date().toISOString().slice(0, 10));
  assert.ok((await client.messages.list({ dateSent: today, to: sent.to })).some((m) => m.sid === sent.sid));
}

export async function twilioSDK() {
  for (const [name, version] of [["twilio 6", twilio6], ["twilio 5", twilio5]]) {
    use(version);
    await check(`${name}: messages.create an SMS, fetch it until delivered`, sendSMS);
    await check(`${name}: messages.create a WhatsApp template (contentSid)`, sendTemplate);
    await check(`${name}: messages.list and its pages`, list);
    await check(`${name}: update, remove and media of a message`, change);
    await check(`${name}: account, balance, numbers, messages of a day`, account);
    await check(`${name}: errors are RestExceptions with Twilio's codes`, errors);
    await check(`${name}: statusCallback passes validateRequest`, statusCallback);
  }
}
