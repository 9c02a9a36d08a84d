// Somebody who has read nothing signs in, sends a message from the playground,
// finds it, and starts a campaign of 50.
import { spawnSync } from "node:child_process";
import { accessible, api, check, dev, open, shots } from "./kit.mjs";

export async function run() {
  const page = await open();
  await page.goto(dev.dashboard.url);
  const password = page.getByLabel("Password", { exact: true });
  await page.waitForFunction((want) => document.querySelector("input[type=password]")?.value === want, dev.dashboard.password);
  check("the sign-in page is filled in", (await page.getByLabel("E-mail", { exact: true }).inputValue()) === dev.dashboard.email);
  await accessible(page, "sign-in");
  await password.fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").getByText("is wrong").waitFor();
  await password.fill(dev.dashboard.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();

  await page.getByRole("link", { name: "Playground", exact: true }).click();
  const response = page.getByRole("region", { name: "Response" });
  await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
  const sent = async () => (await api("GET", "/v1/messages?limit=1000")).body.data.length;
  const before = await sent();
  check("simulate is the default", await page.getByLabel("Simulate only").isChecked());
  await page.getByRole("button", { name: "Run", exact: true }).click();
  await response.getByText("simulated").first().waitFor();
  check("a simulation sends nothing", (await sent()) === before);
  await page.getByLabel("Send real message").check();
  await page.getByRole("button", { name: "Run", exact: true }).click();
  const send = page.getByRole("button", { name: "Send", exact: true });
  check("the number is asked for again", await send.isDisabled());
  await page.getByLabel("Number", { exact: true }).fill("+15550000100");
  await send.click();
  await response.getByText("delivered").waitFor();
  await response.getByRole("link", { name: "Timeline of the message" }).click();
  await page.getByRole("heading", { level: 2, name: "Timeline" }).waitFor();
  check("a real message is sent once", (await sent()) === before + 1);
  await page.getByText("Hi Ada, your order A-17 is confirmed. Total: 9.90.").waitFor();
  const id = page.url().split("/").pop();
  await accessible(page, "a message");
  if (shots) await page.screenshot({ path: `${shots}/message.png`, fullPage: true });

  await page.getByRole("link", { name: "Messages", exact: true }).click();
  await page.getByLabel("Search messages").fill("+15550000100");
  await page.getByRole("button", { name: "Search" }).click();
  await page
    .getByRole("row", { name: /\+15550000100/ })
    .first()
    .waitFor();
  await page.getByLabel("Search messages").fill(`sent ${id} to somebody`);
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(`**/messages/${id}`);
  check("a pasted line finds the message", true);

  await page.getByRole("link", { name: "Campaigns", exact: true }).click();
  await page.getByRole("link", { name: "New campaign" }).click();
  await page.getByText("Hi Ada Acker, your order A-1001 is confirmed. Total: 9.90.").waitFor();
  check("the preview shows the first contact's message", true);
  await page.getByRole("button", { name: "Next row" }).click();
  await page.getByText("Hi Bo Acker, your order A-1002").waitFor();
  await page.getByRole("button", { name: "Save draft" }).click();
  await page.getByText("50 people would get a message").waitFor();
  await accessible(page, "a validated draft");
  if (shots) await page.screenshot({ path: `${shots}/campaign-draft.png`, fullPage: true });
  await page.getByRole("button", { name: "Launch", exact: true }).click();
  await page.getByLabel("Number of recipients").fill("50");
  await page.getByRole("button", { name: "Launch now" }).click();
  await page.getByRole("region", { name: "Progress" }).getByText("finished", { exact: true }).waitFor();
  check("a campaign of 50 finishes", (await page.getByRole("group", { name: "total" }).textContent()).includes("50"));
  await accessible(page, "a finished campaign");
  await firstKey(page);
  if (shots) await page.screenshot({ path: `${shots}/campaign.png`, fullPage: true });
}

/** A key is made, its line is copied and run in a shell as it is, and the key is switched off. */
async function firstKey(page) {
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByRole("link", { name: "API keys", exact: true }).click();
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Newcomer");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByText("Try it in a shell. It is a simulation: nothing is sent.").waitFor();
  await page.waitForFunction(() => document.querySelector("dialog pre").textContent.includes("hello_world"));
  await accessible(page, "the secret of a new key");
  await page.getByRole("button", { name: "Copy curl" }).click();
  await page.getByText("Copied").waitFor();
  const curl = await page.evaluate(() => navigator.clipboard.readText());
  const run = () => spawnSync("sh", ["-c", curl], { encoding: "utf8" }).stdout;
  const first = run();
  check("the copied line of a new key works", first.includes('"simulated"'), first);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: "Deactivate Newcomer" }).click();
  await page.getByRole("button", { name: "Activate Newcomer", exact: true }).waitFor();
  let last = "";
  for (const until = Date.now() + 1200; Date.now() < until && !last.includes("401"); ) last = run();
  check("and is refused when the key is off", last.includes("401"), last);
}
