// The example requests of the five vendors' pages, sent with curl as printed
// there (pages/): only host, key, ids, recipients, templates and masked values
// are replaced. What the provider then receives must be what the page describes.
import { readFileSync } from "node:fs";
import { api, assert, channel, check, delivered, dev, eq, isID, openWindow, receivedForm, receivedJSON, recipient, replaced, run, template } from "./lib.mjs";

const page = (name) => readFileSync(new URL(`pages/${name}`, import.meta.url), "utf8");

// curl runs a page's command line as it stands. What it prints goes through a
// function that adds the status code, which the page's options leave out.
async function curl(command) {
  const { stdout } = await run("bash", ["-c", `curl() { command curl -sS --max-time 30 -w '\\n%{http_code}' "$@"; }\n${command}`]);
  const at = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(at + 1)), body: JSON.parse(stdout.slice(0, at)) };
}

// post is the command line for a page that prints only a body.
const post = (path, header, body) => `curl -X POST ${dev.base_url}${path} -H "${header}" -H "Content-Type: application/json" -d '${body}'`;

const text = (s) => ({ type: "text", text: s });

// metaTemplate is a template in Meta's format, as a provider receives it.
function metaTemplate(to, name, language, components) {
  return { messaging_product: "whatsapp", recipient_type: "individual", to: to.slice(1), type: "template", template: { name, language: { code: language }, components } };
}

// receivedByMeta is what Meta received but for our own correlation field, which
// must be the message's id.
async function receivedByMeta(to, id) {
  const { biz_opaque_callback_data: ours, ...rest } = await receivedJSON(to);
  assert.ok(ours?.includes(id), `biz_opaque_callback_data is ${ours}`);
  return rest;
}

async function socialone() {
  const to = recipient();
  const { status, body } = await curl(replaced(page("socialone.sh"), {
    "https://api.socialone.ai": dev.base_url, "<YOUR_API_KEY>": dev.api_key, "<PHONE_NUMBER>": to.slice(3),
    "<TEMPLATE_ID>": String(template("welcome_image").id), "<SOCIAL_ACCOUNT_ID>": String(channel("meta").id),
  }));
  const id = body.data?.message_id;
  eq({ status, body }, { status: 202, body: { status: "success", data: { message_id: id, status: "queued" } } });
  isID(id);
  await delivered(id);
  eq(await receivedByMeta(to, id), metaTemplate(to, "welcome_image", "en", [
    { type: "header", parameters: [{ type: "image", image: { link: "https://example.com/your-image.jpg" } }] },
    { type: "body", parameters: [text("John")] },
  ]));
}

async function external() {
  const to = recipient();
  const [request, ...lines] = page("external.http").split("\n");
  const { status, body } = await curl(post(request.replace("POST ", ""), `X-API-Key: ${dev.api_key}`, replaced(lines.join("\n"), { "+1234567890": to })));
  const id = body.data?.message_uuid;
  eq({ status, body }, { status: 202, body: { success: true, data: { message_uuid: id, status: "queued", to } } });
  isID(id);
  await delivered(id);
  eq(await receivedByMeta(to, id), metaTemplate(to, "order_confirmation", "en", [
    { type: "body", parameters: [text("John Doe"), text("ORD-12345"), text("99.99")] },
  ]));
  const key = `-H 'X-API-Key: ${dev.api_key}'`;
  const shown = await curl(`curl ${dev.base_url}/api/v1/external/messages/${id} ${key}`);
  eq(shown.status, 200);
  const { message_uuid, status: now, to: whom, template_name, reference, error } = shown.body.data;
  eq({ message_uuid, now, whom, template_name, reference, error },
    { message_uuid: id, now: "delivered", whom: to, template_name: "order_confirmation", reference: "my-order-123", error: null });
  for (const time of ["created_at", "sent_at", "delivered_at"]) assert.ok(shown.body.data[time], time);
  const list = await curl(`curl ${dev.base_url}/api/v1/external/templates ${key}`);
  eq(list.body.data.find((t) => t.name === "order_confirmation"), {
    id: template("order_confirmation").id, name: "order_confirmation", language: "en", category: "utility", status: "approved",
    variables: ["customer_name", "order_id", "total"],
  });
}

const aisouleHost = { "https://app.aisoule.com": dev.base_url, your_key: dev.api_key };

// aisoule sends one of the page's requests and gives what Meta received.
async function aisoule(command, to) {
  const { status, body } = await curl(command);
  const id = body.data?.message_id;
  eq({ status, body }, { status: 202, body: { data: { message_id: id, status: "queued" } } });
  isID(id);
  await delivered(id);
  return receivedByMeta(to, id);
}

const sessionMessage = (to, type, content) => ({ messaging_product: "whatsapp", recipient_type: "individual", to: to.slice(1), type, [type]: content });

async function aisouleText() {
  const to = recipient();
  const command = replaced(page("aisoule-text.sh"), { ...aisouleHost, "+919876543210": to });
  eq(await curl(command), { status: 400, body: { message: "Outside 24-hour window. Use a template message.", status: "error" } });
  await openWindow(channel("meta"), to);
  const { text: got, ...rest } = await aisoule(command, to);
  eq(got.body, "Hello! Your order has been shipped.");
  eq({ ...rest, text: got.body }, sessionMessage(to, "text", got.body));
}

// The page's template has its name from us, but two variables: it is made here.
async function aisouleTemplate() {
  const to = recipient();
  await api("POST", "/v1/templates", { name: "order_shipped", language: "en", category: "utility", components: [{ type: "body", text: "Hi {{1}}, your order {{2}} is on its way." }] });
  const got = await aisoule(replaced(page("aisoule-template.sh"), { ...aisouleHost, "+919876543210": to, order_confirmation: "order_shipped" }), to);
  eq(got, metaTemplate(to, "order_shipped", "en", [{ type: "body", parameters: [text("John"), text("ORD-789")] }]));
}

async function aisouleImage() {
  const to = recipient();
  await openWindow(channel("meta"), to);
  const got = await aisoule(replaced(page("aisoule-image.sh"), { ...aisouleHost, "+919876543210": to }), to);
  eq(got, sessionMessage(to, "image", { link: "https://example.com/product.jpg", caption: "Check out our new product!" }));
}

async function aisouleInteractive() {
  const to = recipient();
  await openWindow(channel("meta"), to);
  const body = replaced(page("aisoule-interactive.json"), { "+919876543210": to });
  const got = await aisoule(post("/api/messages/send", `X-API-Key: ${dev.api_key}`, body), to);
  eq(got, sessionMessage(to, "interactive", JSON.parse(body).interactive));
}

async function aisouleAccount() {
  for (const value of [String(channel("meta").id), channel("meta").key]) {
    const to = recipient();
    await openWindow(channel("meta"), to);
    const body = replaced(page("aisoule-account.json"), { "+919876543210": to, account_id_here: value });
    const got = await aisoule(post("/api/messages/send", `X-API-Key: ${dev.api_key}`, body), to);
    eq(got.text.body, "Hello!");
  }
}

// sociocs sends one of the page's requests; gives the message's id.
async function sociocs(command) {
  const { status, body } = await curl(command);
  const id = body.data?.message_id;
  eq({ status, body }, { status: 200, body: { status: "success", data: { message_id: id } } });
  isID(id);
  await delivered(id);
}

async function sociocsText(name) {
  const to = recipient();
  const ch = channel("twilio", "sms");
  await sociocs(replaced(page(name), { "https://api.sociocs.com": dev.base_url, your_api_key: dev.api_key, your_channel_key: ch.key, phone_number: to }));
  const { StatusCallback, ...form } = await receivedForm(to);
  assert.ok(StatusCallback.startsWith(`${dev.base_url}/callbacks/twilio/`), StatusCallback);
  eq(form, { To: to, From: ch.sender, Body: "message" });
}

// The page shows variables for a template of each WhatsApp provider.
const sociocsTemplate = (ch, provider, to, id, variables) =>
  post("/message", `apikey: ${dev.api_key}`, JSON.stringify({ provider, channel_key: ch.key, to, name: "recipient_name", template: { id, variables } }));

async function sociocsTwilio() {
  const to = recipient();
  const ch = channel("twilio");
  const id = "HX" + "5".repeat(32);
  await api("POST", "/v1/templates", {
    name: "meeting", language: "en", category: "utility", provider: "twilio", provider_template_id: id,
    components: [{ type: "body", text: "Hi {{1}}, we wrote to {{2}} on {{3}} as agreed." }],
  });
  await sociocs(sociocsTemplate(ch, "twlowa", to, id, JSON.parse(`{ "1": "John", "2": "john@example.com", "3": "11-Jul-2024" }`)));
  const { StatusCallback, ContentVariables, ...form } = await receivedForm(to);
  eq(form, { To: `whatsapp:${to}`, From: `whatsapp:${ch.sender}`, ContentSid: id });
  eq(JSON.parse(ContentVariables), { 1: "John", 2: "john@example.com", 3: "11-Jul-2024" });
}

// A header is a file or a text, never both: the page's object is sent in two.
const gupshupVariables = JSON.parse(`{ "MEDIA_URL": "https://placehold.co/600x400", "Header": { "1": "John"}, "Body": { "1": "john@example.com", "2": "11-Jul-2024"}, "Buttons": {"1": "Quick Reply Text"} }`);

async function sociocsGupshup(header, left, params) {
  const to = recipient();
  const ch = channel("gupshup");
  const id = crypto.randomUUID();
  await api("POST", "/v1/templates", {
    name: `visit_${header.format.toLowerCase()}`, language: "en", category: "utility", provider: "gupshup", provider_template_id: id,
    components: [{ type: "header", ...header }, { type: "body", text: "We wrote to {{1}} on {{2}} as agreed." }, { type: "buttons", buttons: [{ type: "quick_reply", text: "Fine" }] }],
  });
  const { [left]: _, ...variables } = gupshupVariables;
  await sociocs(sociocsTemplate(ch, "gswa", to, id, variables));
  const form = await receivedForm(to);
  eq(JSON.parse(form.template), { id, params });
  eq(JSON.parse(form.postbackTexts), [{ index: 0, text: "Quick Reply Text" }]);
  eq([form.source, form.destination, form["src.name"]], [ch.sender.slice(1), to.slice(1), "DemoApp"]);
  return form;
}

// The page's extra_fields and a schedule in the page's form.
async function sociocsContact() {
  const to = recipient();
  const ch = channel("twilio", "sms");
  const at = new Date(Date.now() + 3600_000).toISOString().replace(/\.\d+Z$/, "+00:00");
  const list = dev.contact_lists[0];
  const { status, body } = await curl(post("/message", `apikey: ${dev.api_key}`, JSON.stringify({
    provider: "twlo", channel_key: ch.key, to: to.slice(1), name: "recipient_name", text: "message", schedule: at, user_id: dev.users[0].id,
    contact_saving: { save: true, list_id: list.id, extra_fields: { email_address: "john@example.com", id: 987123 } },
  })));
  eq([status, body.status], [200, "success"]);
  const m = await api("GET", `/v1/messages/${body.data.message_id}`);
  eq([m.status, new Date(m.send_at).valueOf(), m.to], ["scheduled", Date.parse(at), to]);
  const { data } = await api("GET", `/v1/contacts?search=${to.slice(1)}`);
  eq(data.map((c) => [c.phone, c.name, c.fields]), [[to, "recipient_name", { email_address: "john@example.com", id: 987123 }]]);
}

async function sociocsTeam() {
  const { status, body } = await curl(`curl ${dev.base_url}/team-members --header 'apikey: ${dev.api_key}'`);
  eq({ status, word: body.status }, { status: 200, word: "success" });
  eq(body.data.map((u) => u.user_id).sort(), dev.users.map((u) => u.id).sort());
}

async function kaleyra(name, values) {
  const ch = channel("kaleyra");
  const to = recipient();
  const { status, body } = await curl(replaced(page(name), values(ch.sender, to)));
  const id = body.data?.message_id;
  eq({ status, body }, { status: 202, body: { code: "WA202", message: "Request Accepted", data: { message_id: id, messages: [{ to, message_id: id }] }, error: {} } });
  isID(id);
  const m = await delivered(id);
  eq([m.reference, m.metadata], ["customer1", { ref1: "marketing", ref2: "dictionary", wa_source: "api" }]);
  const { messaging_object, extra_info } = await receivedJSON(to);
  const otp = [text("J$Fp1234")];
  eq({ ...messaging_object, to: messaging_object.to.replace("+", "") }, metaTemplate(to, "auth1", "en_US", [
    { type: "body", parameters: otp }, { type: "button", sub_type: "url", index: messaging_object.template.components[1].index, parameters: otp },
  ]));
  eq(String(messaging_object.template.components[1].index), "0");
  assert.ok(extra_info.ref.includes(id), extra_info.ref); // ours, for callbacks; the client's is in reference
}

const kaleyraSample = (sender, to) => ({
  "https://api.in.kaleyra.io": dev.base_url, HXAP16XXXXXX97IN: dev.account_sid, "/+91XXXXXXXXXX/": `/${sender}/`, Axxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx3: dev.api_key,
  "+91XXXXXXXXX": to, J$FpXXXX: "J$Fp1234", J$FXXXXp: "J$Fp1234",
});

const kaleyraFormat = (sender, to) => ({
  "https://<api_domain>": dev.base_url, "<sid>": dev.account_sid, "<phone_number>": sender, "<content_type>": "application/json", "<api-key>": dev.api_key,
  "<messaging_product>": "whatsapp", "<recipient_type>": "individual", "<to_number>": to, "<type>": ["template", "body", "text", "button", "text"],
  "<template_name>": "auth1", "<template_language_code>": "en_US", "<one-time-password>": "J$Fp1234", "<sub_type>": "url", "<index_value>": "0",
  "<one_time_password>": "J$Fp1234", "<ref>": "customer1", "<ref1>": "marketing", "<ref2>": "dictionary", "<wa_source>": "api",
});

export async function pages() {
  await check("socialone: the page's curl", socialone);
  await check("external: the page's request, its status and the templates", external);
  await check("aisoule: text, outside and inside the window", aisouleText);
  await check("aisoule: template", aisouleTemplate);
  await check("aisoule: image", aisouleImage);
  await check("aisoule: buttons", aisouleInteractive);
  await check("aisoule: whatsapp_account as id and as key", aisouleAccount);
  await check("sociocs: the page's curl (Unix)", () => sociocsText("sociocs-unix.sh"));
  await check("sociocs: the page's curl (Windows)", () => sociocsText("sociocs-windows.sh"));
  await check("sociocs: the page's template for twlowa", sociocsTwilio);
  await check("sociocs: the page's template for gswa, MEDIA_URL", async () => {
    const form = await sociocsGupshup({ format: "IMAGE" }, "Header", ["john@example.com", "11-Jul-2024"]);
    const message = JSON.parse(form.message);
    eq(message, { type: "image", image: { link: "https://placehold.co/600x400" } });
  });
  await check("sociocs: the page's template for gswa, Header", () => sociocsGupshup({ format: "TEXT", text: "Dear {{1}}" }, "MEDIA_URL", ["John", "john@example.com", "11-Jul-2024"]));
  await check("sociocs: schedule, user_id, contact_saving with the page's extra fields", sociocsContact);
  await check("sociocs: team members", sociocsTeam);
  await check("kaleyra: the page's sample request", () => kaleyra("kaleyra-sample.sh", kaleyraSample));
  await check("kaleyra: the page's request format, filled in", () => kaleyra("kaleyra-format.sh", kaleyraFormat));
}
