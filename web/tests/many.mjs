// More of everything than a page shows: lists have further pages, choices have a search or all of it, and what was
// chosen stays chosen. And what is half done, or leads nowhere, says how to go on.
import { accessible, api, check, dev, goto, signedIn } from "./kit.mjs";

const stamp = Date.now() % 1_000_000;
const padded = (i) => String(i).padStart(3, "0");

/** Makes n things by the API. */
async function make(n, path, body) {
  for (let i = 1; i <= n; i++) {
    const { status, body: answer } = await api("POST", path, body(i));
    if (status !== 201) throw new Error(`POST ${path}: ${JSON.stringify(answer)}`);
  }
}

const next = async (page, row) => {
  const button = page.getByRole("button", { name: "Next page" });
  for (let i = 0; i < 5 && (await page.getByRole("row", { name: row }).count()) === 0; i++) {
    const before = page.url();
    await button.click();
    await page.waitForURL((u) => u.href !== before);
    await page.getByText("Loading …").first().waitFor({ state: "detached" });
    await page
      .getByRole("row", { name: row })
      .waitFor({ timeout: 2000 })
      .catch(() => {});
  }
  return (await page.getByRole("row", { name: row }).count()) === 1;
};

export async function run() {
  await make(55, "/v1/keys", (i) => ({ name: `Many ${stamp} ${padded(i)}`, permissions: ["send_text"] }));
  await make(55, "/v1/lists", (i) => ({ name: `List ${stamp} ${padded(i)}` }));
  await make(210, "/v1/templates", (i) => ({
    name: `many_${stamp}_${padded(i)}`,
    language: "en",
    category: "utility",
    components: [{ type: "BODY", text: "Hello {{1}}", variables: ["name"] }],
  }));
  await make(55, "/v1/users", (i) => ({ name: `Member ${stamp} ${padded(i)}`, email: `m${stamp}-${i}@example.com`, role: "viewer" }));
  const page = await signedIn();
  await furtherPages(page);
  await choices(page);
  await deliveries(page);
  await contact(page);
  await halves(page);
  await nextSteps(page);
}

/** No list ends where its first page does. */
async function furtherPages(page) {
  for (const [heading, path, row] of [
    ["API keys", "/keys", `Many ${stamp} 055`],
    ["Contacts", "/contacts?tab=lists", `List ${stamp} 055`],
    ["Team", "/team", `Member ${stamp}`],
  ]) {
    await goto(page, path, heading);
    if (heading === "Team") {
      await page.getByRole("button", { name: "Next page" }).click();
      await page.getByRole("button", { name: "First page" }).waitFor();
      const rows = await page.getByRole("row", { name: new RegExp(row) }).count();
      check("the team has a second page", rows > 0, `${rows}`);
      continue;
    }
    check(`${heading}: the last entry is found on a further page`, await next(page, new RegExp(row)), page.url());
    await page.reload();
    await page.getByRole("row", { name: new RegExp(row) }).waitFor();
    check(`${heading}: a reload keeps the page`, true);
  }
}

/** What is chosen from has all entries, or a search for those that it does not show. */
async function choices(page) {
  await goto(page, "/playground", "Playground");
  const body = page.getByLabel("Request body");
  await body.and(page.locator(":not(:empty)")).waitFor();
  const keys = await page.getByLabel("API key").locator("option").allTextContents();
  check(
    "the playground offers every key",
    keys.some((k) => k.startsWith(`Many ${stamp} 055`)),
    `${keys.length}`,
  );
  await page.getByLabel("Find a template").fill(`many_${stamp}_210`);
  await page.getByLabel("Template", { exact: true }).selectOption(`many_${stamp}_210 (en)`);
  check("a template beyond the first hundred is found", (await body.inputValue()).includes(`many_${stamp}_210`));
  await page.getByLabel("Find a template").fill("");
  await page.waitForFunction(() => document.querySelectorAll("option").length > 100);
  check("and stays chosen", (await body.inputValue()).includes(`many_${stamp}_210`));

  await goto(page, "/campaigns/new", "New campaign");
  const list = page.getByLabel("List", { exact: true });
  await list.locator("option", { hasText: `List ${stamp} 055` }).waitFor({ state: "attached" });
  await list.selectOption({ label: `List ${stamp} 055 (0 contacts)` });
  await page.getByLabel("Find a template").fill(`many_${stamp}_209`);
  await page.getByLabel("Template", { exact: true }).selectOption(`many_${stamp}_209 (en)`);
  await page.getByLabel("Value of name", { exact: true }).fill("you");
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Edit campaign" }).waitFor();
  const chosen = page.getByLabel("Template", { exact: true });
  await chosen.waitFor();
  const name = await chosen.evaluate((s) => s.selectedOptions[0]?.textContent);
  check("a draft that is edited keeps its template", name === `many_${stamp}_209 (en)`, name);
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("link", { name: "Edit", exact: true }).waitFor();
  const { body: draft } = await api("GET", `/v1/campaigns/${page.url().split("/").pop()}`);
  check("also when it is saved", draft.template?.name === `many_${stamp}_209`, JSON.stringify(draft.template));
}

/** Deliveries stand alone below their endpoint, are filtered by their state, and lead to the message. */
async function deliveries(page) {
  const { body: hook } = await api("POST", "/v1/webhooks", { url: `${dev.base_url}/healthz?${stamp}`, events: ["message.queued"] });
  const template = { name: "hello_world", language: "en" };
  const { body: sent } = await api("POST", "/v1/messages", { to: "+15550000100", type: "template", template });
  await goto(page, `/webhooks?webhook=${hook.id}`, "Webhooks");
  const endpoints = await page.getByRole("table", { name: "Webhooks" }).getByRole("row").count();
  check("the endpoint of the deliveries stands alone above them", endpoints === 2, `${endpoints} rows`);
  await page.getByRole("combobox", { name: "State" }).selectOption("delivered");
  await page.getByText("No delivery matches").waitFor();
  await page.getByRole("link", { name: "Show all deliveries" }).click();
  await page.locator("summary", { hasText: "message.queued" }).first().click();
  await page.getByRole("link", { name: "Show the message" }).click();
  await page.getByRole("heading", { level: 1, name: "Message", exact: true }).waitFor();
  check("a delivery leads to its message", page.url().endsWith(sent.message_id), page.url());
  await goto(page, `/webhooks?webhook=${hook.id}`, "Webhooks");
  await page.getByRole("link", { name: "Show all endpoints" }).click();
  await page.waitForURL((u) => !u.search.includes("webhook="));
  await api("DELETE", `/v1/webhooks/${hook.id}`);
}

/** A contact is changed; what no text is, stays none; its number leads to its messages. */
async function contact(page) {
  const phone = `+1556${String(stamp).padStart(7, "0")}`;
  const { body: made } = await api("POST", "/v1/contacts", { phone, name: "Ada", fields: { points: 7, vip: true, city: "Rome" } });
  await goto(page, `/contacts?q=${encodeURIComponent(phone)}`, "Contacts");
  await page.getByRole("button", { name: `Edit ${phone}` }).click();
  await accessible(page, "the form of a contact");
  await page.getByLabel("Name", { exact: true }).fill("Ada Lovelace");
  await page.getByLabel("Fields", { exact: true }).fill("points = 7\nvip = true\ncity = London");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("row", { name: /Ada Lovelace/ }).waitFor();
  const { body: saved } = await api("GET", `/v1/contacts/${made.id}`);
  const fields = JSON.stringify(saved.fields, ["city", "points", "vip"]);
  check(
    "a contact is changed",
    saved.name === "Ada Lovelace" && fields === '{"city":"London","points":7,"vip":true}',
    JSON.stringify(saved),
  );
  await page.getByRole("link", { name: new RegExp(`^\\${phone}`) }).click();
  await page.getByRole("heading", { level: 1, name: "Messages" }).waitFor();
  check("a number leads to its messages", (await page.getByLabel("Search messages").inputValue()) === phone);
  const { body: list } = await api("POST", "/v1/lists", { name: `Shown ${stamp}` });
  await goto(page, `/contacts?list=${list.id}`, "Contacts");
  await page.getByText(`Shown ${stamp}`).waitFor();
  await page.getByRole("link", { name: "Show all contacts" }).first().click();
  await page.waitForURL((u) => !u.search.includes("list="));
  check("a list's name stands above its contacts", true);
}

/** The half of a setting of a campaign is not left out without a word. */
async function halves(page) {
  for (const [fill, says] of [
    [() => page.getByLabel("Quiet from").fill("21:00"), "Quiet hours need both"],
    [() => page.getByLabel("At this hour of each recipient").check(), "needs the hour"],
    [() => page.getByLabel("Repeat", { exact: true }).fill("FREQ=DAILY"), "needs its first time"],
  ]) {
    await goto(page, "/campaigns/new", "New campaign");
    await page.getByLabel("Template", { exact: true }).waitFor();
    await fill();
    await page.getByRole("button", { name: "Save draft" }).click();
    await page.getByRole("alert").getByText(says).waitFor();
  }
  check("the half of a setting is refused", true);
}

/** An address that leads nowhere, and a message that has failed, say how to go on. */
async function nextSteps(page) {
  const answer = await page.goto(`${dev.base_url}/nowhere/at/all`);
  check("an address that leads nowhere is not found", answer.status() === 404, `${answer.status()}`);
  await page.getByRole("heading", { level: 1, name: "There is no such page" }).waitFor();
  await accessible(page, "an address that leads nowhere");
  await page.getByRole("link", { name: "Go to the overview" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  const { status } = await api("GET", "/nowhere"); // the body is JSON, or it throws
  check("a program gets the answer of the API", status === 404, `${status}`);

  const template = { name: "hello_world", language: "en" };
  const { body: sent } = await api("POST", "/v1/messages", { to: "+15557770103", type: "template", template }); // fails at every try
  await goto(page, `/messages/${sent.message_id}`, "Message");
  await page.getByText("The provider failed at every try.").waitFor();
  await accessible(page, "a message that has failed");
  await page.getByRole("link", { name: "Show the channels" }).click();
  await page.getByRole("heading", { level: 1, name: "Channels" }).waitFor();
  check("a failed message has its next step", true);

  await goto(page, "/audit", "Audit log");
  await page
    .getByRole("link", { name: /^Demo key \(key:\d+\)$/ })
    .first()
    .click();
  await page.waitForURL(/actor=key/);
  check("the log names who did it, and filters by them", /^key:\d+$/.test(await page.getByLabel("actor").inputValue()));
}
