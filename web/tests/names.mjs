// The names by which people, screen readers and scripts find what the dashboard has, as they are promised.
import { api, check, dev, goto, open, pages, signedIn } from "./kit.mjs";

/** Checks that a page has exactly one element of a role and name, also for a search that takes parts of names. */
async function one(page, role, name, options = {}) {
  const found = await page.getByRole(role, { name, ...options }).count();
  check(`one ${role} named ${name}`, found === 1, `${found} at ${page.url()}`);
}

export async function run() {
  const stranger = await open();
  await stranger.goto(`${dev.base_url}/sign-in`);
  await stranger.getByRole("button", { name: "Sign in" }).waitFor();
  await one(stranger, "textbox", "E-mail");
  await one(stranger, "button", "Sign in");
  check("one field named Password", (await stranger.getByLabel("Password").count()) === 1);
  await stranger.context().close();

  const page = await signedIn();
  await goto(page, "/", "Overview");
  const navigation = page.getByRole("navigation", { name: "Pages" });
  const links = await navigation.getByRole("link").allTextContents();
  check("the pages of the navigation, in their order", links.join() === pages.map(([name]) => name).join(), links.join());
  for (const [name, path] of pages) {
    await navigation.getByRole("link", { name, exact: true }).click();
    await page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
    check(`the address of ${name}`, new URL(page.url()).pathname === path, page.url());
    const current = await navigation.locator("[aria-current=page]").allTextContents();
    check(`${name} is the current page`, current.join() === name, current.join());
  }
  await playground(page);
  await tabs(page);
  await whyNotYet(page);
}

async function playground(page) {
  await goto(page, "/playground", "Playground");
  await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
  await one(page, "combobox", "API key");
  await one(page, "combobox", "Endpoint");
  await one(page, "textbox", "Request body");
  await one(page, "radio", "Simulate only");
  await one(page, "radio", "Send real message");
  await one(page, "button", "Run");
  await one(page, "region", "Response");
  await one(page, "region", "curl");
  check("it opens at our own send", (await page.getByLabel("Endpoint").inputValue()) === "POST /v1/messages");
  const body = JSON.parse(await page.getByLabel("Request body").inputValue());
  check("a template and a contact are chosen", body.template.name === "order_confirmation" && /^\+\d+$/.test(body.to));
  const side = page.getByRole("region", { name: "The same message in every format" });
  for (const format of ["native", "socialone", "external", "aisoule", "sociocs", "kaleyra", "meta", "twilio"]) {
    const text = await side.getByRole("region", { name: `Body for ${format}` }).textContent();
    check(`the message in the format of ${format}`, Object.keys(JSON.parse(text)).length > 0, text.slice(0, 100));
  }
  // Each language's code names the same address.
  const code = page.getByRole("region", { name: "Code sample" });
  for (const [language, word] of [
    ["Go", "http.NewRequest"],
    ["Node", "await fetch"],
    ["Python", "requests.request"],
  ]) {
    await page.getByLabel("Language").selectOption(language);
    const text = await code.textContent();
    check(`code in ${language}`, text.includes(word) && text.includes(`${dev.base_url}/v1/messages`), text.slice(0, 200));
  }
}

/** One tab is the current one, whatever the address. */
async function tabs(page) {
  for (const [heading, path, tab] of [
    ["Messages", "/messages", "Sent by us"],
    ["Messages", "/messages?status=failed", "Sent by us"],
    ["Messages", "/messages?tab=inbound&zone=utc", "Inbound"],
    ["Contacts", "/contacts", "Contacts"],
    ["Contacts", "/contacts?tab=imports", "Imports"],
  ]) {
    await goto(page, path, heading);
    const current = await page.locator(".tabs [aria-current=page]").allTextContents();
    check(`the tab of ${path}`, current.join() === tab, current.join());
  }
}

/** A message that is not yet sent shows its gates in their order, which one holds it, and until when. */
async function whyNotYet(page) {
  const at = new Date(Date.now() + 7_200_000).toISOString();
  const { body } = await api("POST", "/v1/messages", {
    to: "+15550000100",
    type: "template",
    template: { name: "order_confirmation", language: "en", variables: ["O'Neil", "A-1", "1"] },
    send_at: at,
  });
  await goto(page, `/messages/${body.message_id}`, "Message");
  const why = page.getByRole("region", { name: "Why not yet?" });
  await why.getByText("It waits for its time").waitFor();
  const gates = await why.getByRole("listitem").allTextContents();
  const order = ["Time to send", "Channel enabled", "Circuit", "Rate", "Recipient spacing", "Quiet hours", "Conversation window"];
  let from = -1;
  for (const gate of [...order, "Suppression", "Expiry"]) {
    const i = gates.findIndex((g, i) => i > from && g.includes(gate));
    check(`the gate ${gate} in its place`, i > from, gates.join(" | "));
    from = i;
  }
  check("the first gate holds it", gates[0].startsWith("waits") && gates[1].startsWith("to come"), gates.slice(0, 2).join(" | "));
  const line = await page.getByRole("region", { name: "curl and sendoff to send it again" }).textContent();
  const sendoff = line.split("\n").at(-1);
  const want = "sendoff send --channel 1 --to +15550000100 --template order_confirmation --language en";
  check(
    "the sendoff line",
    sendoff === `${want} --var 'customer_name=O'\\''Neil' --var order_id=A-1 --var total=1` || sendoff.startsWith(want),
    sendoff,
  );
  await page.getByRole("button", { name: "Cancel message" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel message" }).click();
  await page.getByText("cancelled", { exact: true }).first().waitFor();
  check("a message is cancelled from its page", true);
}
