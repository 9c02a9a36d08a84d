// The dashboard in a real browser, in front of a `sendoff dev` of its own: every
// page in both themes and on a phone, signing in and out, roles, the playground.
//
//   node tests/browser.mjs DIR/dev.json [folder for screenshots]
//
// A violation of the content security policy, an error on the console or an axe
// violation fails the run.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const dev = JSON.parse(readFileSync(process.argv[2], "utf8"));
const shots = process.argv[3];
if (shots) mkdirSync(shots, { recursive: true });

let passed = 0;
let failed = 0;
const check = (what, ok, detail = "") => {
  if (ok) passed++;
  else {
    failed++;
    console.log(`FAIL ${what} ${detail}`);
  }
};

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});

async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, bypassCSP: false, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on(
    "console",
    (m) => m.type() === "error" && !/status of 40[13]/.test(m.text()) && check("console", false, `${page.url()}: ${m.text()}`),
  );
  page.on("pageerror", (e) => check("page error", false, `${page.url()}: ${e.message}`));
  page.on("request", (r) => !r.url().startsWith(dev.base_url) && !r.url().startsWith("data:") && check("foreign request", false, r.url()));
  return page;
}

async function signIn(page, email, password) {
  await page.goto(`${dev.base_url}/sign-in`);
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
}

/** Runs axe, by the debugger: the page's policy allows no foreign script. */
async function accessible(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await globalThis.axe.run()).violations);
  for (const v of found)
    check(
      `axe on ${what}`,
      false,
      `${v.id}: ${v.nodes
        .map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`)
        .slice(0, 3)
        .join(" | ")}`,
    );
  check(`axe on ${what}`, found.length === 0);
}

const pages = [
  ["Overview", "/"],
  ["Messages", "/messages"],
  ["Scheduled", "/scheduled"],
  ["Campaigns", "/campaigns"],
  ["Contacts", "/contacts"],
  ["Templates", "/templates"],
  ["Channels", "/channels"],
  ["API keys", "/keys"],
  ["Playground", "/playground"],
  ["Webhooks", "/webhooks"],
  ["Team", "/team"],
  ["Audit log", "/audit"],
  ["Settings", "/settings"],
];

const page = await open();
await page.goto(dev.dashboard.url);
await page.getByRole("button", { name: "Sign in" }).waitFor();
const filled = page.waitForFunction((want) => document.querySelector("input[type=password]")?.value === want, dev.dashboard.password);
check(
  "the sign-in page is filled in",
  await filled.then(
    () => true,
    () => false,
  ),
);
await accessible(page, "sign-in");
await signIn(page, dev.dashboard.email, dev.dashboard.password);

// A message from the playground, simulated, then sent and seen delivered.
await page.getByRole("link", { name: "Playground", exact: true }).click();
const response = page.getByRole("region", { name: "Response" });
await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
check("simulate is the default", await page.getByLabel("Simulate only").isChecked());
await page.getByRole("button", { name: "Run", exact: true }).click();
await response.getByText("200").first().waitFor();
check("a simulation sends nothing", await response.getByText("simulated").first().isVisible());
check("curl is shown", /--data-binary @-/.test(await page.getByRole("region", { name: "curl", exact: true }).textContent()));
await page.getByLabel("Send real message").check();
await page.getByRole("button", { name: "Run", exact: true }).click();
await page.getByLabel("Number", { exact: true }).fill("+15550000100");
await page.getByRole("button", { name: "Send", exact: true }).click();
await response.getByText("delivered").waitFor();
check("a message from the playground is delivered", true);
await response.getByRole("link", { name: "Timeline of the message" }).click();
await page.getByRole("heading", { level: 2, name: "Timeline" }).waitFor();
await accessible(page, "a message");
if (shots) await page.screenshot({ path: `${shots}/message.png`, fullPage: true });

// A key: created, used, switched off, deleted.
await page.getByRole("link", { name: "API keys" }).click();
await page.getByRole("button", { name: "Create key" }).click();
await page.getByLabel("Name", { exact: true }).fill("Browser test");
await page.getByRole("button", { name: "Create", exact: true }).click();
const secret = await page.locator("dialog code").textContent();
await page.getByRole("button", { name: "Done" }).click();
const uses = async () => (await fetch(`${dev.base_url}/v1/messages`, { headers: { Authorization: `Bearer ${secret}` } })).status;
check("the new key works", (await uses()) === 200);
await page.getByRole("button", { name: "Deactivate Browser test" }).click();
await page.getByRole("button", { name: "Activate Browser test", exact: true }).waitFor();
await new Promise((r) => setTimeout(r, 1000)); // no process acts on a state older than that
check("a key that is switched off is refused", (await uses()) === 401);
await page.getByRole("button", { name: "Delete Browser test" }).click();
await page.getByRole("dialog").getByRole("button", { name: "Delete Browser test" }).click();
await page.getByRole("row", { name: /Browser test/ }).waitFor({ state: "detached" });

for (const theme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme: theme });
  for (const [name, path] of pages) {
    await page.goto(dev.base_url + path);
    await page.getByRole("heading", { level: 1, name }).waitFor();
    await page.waitForLoadState("load");
    await page.getByText("Loading …").first().waitFor({ state: "detached" });
    await accessible(page, `${name}, ${theme}`);
    if (shots) await page.screenshot({ path: `${shots}/${name.replace(" ", "-").toLowerCase()}-${theme}.png` });
  }
}

// A phone: the navigation opens by a button, and nothing is wider than the screen.
const phone = await open({ viewport: { width: 390, height: 800 } });
await signIn(phone, dev.dashboard.email, dev.dashboard.password);
await phone.getByRole("button", { name: "Menu" }).click();
await phone.getByRole("link", { name: "Messages", exact: true }).click();
await phone.getByRole("heading", { level: 1, name: "Messages" }).waitFor();
for (const [name, path] of pages) {
  await phone.goto(dev.base_url + path);
  await phone.getByRole("heading", { level: 1, name }).waitFor();
  await phone.getByText("Loading …").first().waitFor({ state: "detached" });
  check(`${name} fits a phone`, await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
}
if (shots) await phone.screenshot({ path: `${shots}/phone.png` });

// A viewer may look, and simulate.
const invited = await fetch(`${dev.base_url}/v1/invitations`, {
  method: "POST",
  headers: { Authorization: `Bearer ${dev.api_key}`, "Content-Type": "application/json" },
  body: JSON.stringify({ name: "Vera Viewer", email: `vera-${Date.now()}@example.com`, role: "viewer" }),
}).then((r) => r.json());
const viewer = await open();
await viewer.goto(invited.url);
await viewer.getByLabel("Password").fill("a long password");
await viewer.getByRole("button", { name: "Set password and sign in" }).click();
await viewer.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
for (const [name, path] of pages) {
  await viewer.goto(dev.base_url + path);
  await viewer.getByRole("heading", { level: 1, name }).waitFor();
}
await viewer.goto(`${dev.base_url}/keys`);
await viewer.getByRole("region", { name: "API keys" }).waitFor();
check("a viewer creates no keys", (await viewer.getByRole("button", { name: "Create key" }).count()) === 0);
await viewer.goto(`${dev.base_url}/playground`);
check("a viewer sends nothing", await viewer.getByLabel("Send real message").isDisabled());

await page.getByRole("button", { name: "Sign out" }).click();
await page.getByRole("button", { name: "Sign in" }).waitFor();
await page.goto(`${dev.base_url}/keys`);
await page.getByRole("button", { name: "Sign in" }).waitFor();
check("signed out", true);

await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
