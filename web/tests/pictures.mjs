// The pictures of the README, in both themes: node tests/pictures.mjs FOLDER, beside a `sendoff dev` (scripts/pictures.sh).
import { api, browser, dev, goto, shots, signedIn } from "./kit.mjs";

const template = (name, language, ...variables) => ({ type: "template", template: { name, language, variables } });
const names = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Finn", "Gita", "Hugo"];

/** Sends some hundred messages over two minutes: most arrive, some are read, a few fail. */
async function traffic() {
  const ends = Date.now() + 150_000;
  for (let i = 0; Date.now() < ends; i++) {
    const rate = 3 + 2 * Math.sin(i / 60);
    const end = i % 47 === 5 ? "0104" : i % 61 === 7 ? "0108" : i % 3 === 0 ? "0106" : "0100";
    const body = template("order_confirmation", "en", names[i % names.length], `A-${1000 + i}`, `${(i * 7) % 90}.90`);
    await api("POST", "/v1/messages", { to: `+1555${String(100 + (i % 800))}${end}`, reference: `order-${1000 + i}`, ...body });
    await new Promise((r) => setTimeout(r, 1000 / rate));
  }
}

/** Takes a picture of the page in both themes; the file of the light one has no suffix. */
async function picture(page, name) {
  for (const [theme, suffix] of [
    ["light", ""],
    ["dark", "-dark"],
  ]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForTimeout(300); // a chart draws anew
    await page.screenshot({ path: `${shots}/dashboard-${name}${suffix}.png` });
  }
}

/** Quiet hours of each recipient's own zone that hold some of the demo list's zones, and let others pass. */
function quiet() {
  const hour = (zone) => Number(new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit" }).format(new Date()));
  const at = hour("Asia/Kolkata");
  const clock = (h) => `${String((h + 24) % 24).padStart(2, "0")}:00`;
  return { from: clock(at), to: clock(at + 3), zone: "recipient" };
}

const channel = dev.channels.find((c) => c.default);
await traffic();
const page = await signedIn();
await goto(page, "/", "Overview");
await page.locator(".chart canvas").first().waitFor();
await picture(page, "overview");

// A campaign over a list, half of whose recipients rest.
const { body: campaign } = await api("POST", "/v1/campaigns", {
  name: "Autumn sale",
  channel: channel.id,
  ...template("order_confirmation", "en"),
  template: {
    name: "order_confirmation",
    language: "en",
    variables: { customer_name: "{{name}}", order_id: "{{order}}", total: "{{total}}" },
  },
  audience: { lists: [dev.contact_lists[0].id] },
  quiet_hours: quiet(),
});
await api("POST", `/v1/campaigns/${campaign.id}/launch`);
await goto(page, `/campaigns/${campaign.id}`, "Autumn sale");
await page.getByText(/held until .*, by quiet hours/).waitFor();
await page
  .getByRole("group", { name: "delivered" })
  .getByText(/^[1-9]/)
  .waitFor();
await page
  .getByRole("row", { name: /delivered/ })
  .first()
  .waitFor(); // the list is read less often than the sums
await picture(page, "campaign");

// A message that the provider fails for now: it waits for its next try.
await api("PATCH", `/v1/channels/${channel.id}`, { policy: { backoff_base_s: 20, backoff_cap_s: 300 } });
const { body: sent } = await api("POST", "/v1/messages", {
  to: "+15550000103",
  reference: "order-A-17",
  ...template("order_confirmation", "en", "Ada", "A-17", "9.90"),
});
await goto(page, `/messages/${sent.message_id}`, "Message");
await page.getByText("failed for now").nth(1).waitFor();
await page.getByText("It waits for its next try").waitFor();
await picture(page, "message");
await browser.close();
