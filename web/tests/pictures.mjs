// The pictures of the README, in both themes: node tests/pictures.mjs FOLDER, beside a `sendoff dev` (scripts/pictures.sh).
import { api, browser, goto, shots, signedIn } from "./kit.mjs";

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

await traffic();
const page = await signedIn();
await goto(page, "/", "Overview");
await page.locator(".chart canvas").first().waitFor();
await picture(page, "overview");

await goto(page, "/playground", "Playground");
await page.getByRole("button", { name: "Run", exact: true }).click();
await page.getByRole("region", { name: "Response" }).getByText("simulated", { exact: true }).waitFor();
await page.evaluate(() => scrollTo(0, 0));
await picture(page, "playground");

const { body: sent } = await api("POST", "/v1/messages", {
  to: "+15550000106",
  reference: "order-A-17",
  ...template("order_confirmation", "en", "Ada", "A-17", "9.90"),
});
await api("GET", `/v1/messages/${sent.message_id}?wait=10&status=read`);
await goto(page, `/messages/${sent.message_id}`, "Message");
await page.getByText("read", { exact: true }).first().waitFor();
await picture(page, "message");
await browser.close();
