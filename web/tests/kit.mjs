// What every part of the browser tests needs: a browser, checks, a signed-in page.
import { mkdirSync, readFileSync } from "node:fs";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const dev = JSON.parse(readFileSync(process.env.DEV_JSON, "utf8"));
export const shots = process.argv[2];
if (shots) mkdirSync(shots, { recursive: true });

let passed = 0;
let failed = 0;

/** Counts a check, and prints one that fails. */
export function check(what, ok, detail = "") {
  if (ok) passed++;
  else {
    failed++;
    console.log(`FAIL ${what} ${detail}`);
  }
}

/** Ends the run with the sum of the checks. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

export const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
});

/** Fails the run at an error on the console, such as a violation of the policy, and at a request to another host. */
function watch(page) {
  page.setDefaultTimeout(60_000);
  page.on("console", (m) => {
    // Refusals of the API are answers, not errors of the page.
    if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) check("console", false, `${page.url()}: ${m.text()}`);
  });
  page.on("pageerror", (e) => check("page error", false, `${page.url()}: ${e.message}`));
  page.on("dialog", (d) => {
    check("a dialog of the browser", false, `${page.url()}: ${d.message()}`);
    d.dismiss();
  });
  page.on("request", (r) => {
    if (!r.url().startsWith(dev.base_url) && !/^(data|blob):/.test(r.url())) check("foreign request", false, r.url());
  });
  return page;
}

/** Opens a page in a browser of its own: no cookie, nothing cached. */
export async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, bypassCSP: false, ...options });
  return watch(await context.newPage());
}

/** Opens another tab of the page's browser. */
export const another = async (page) => watch(await page.context().newPage());

/** Opens a page that is signed in as the owner, or as somebody else. */
export async function signedIn(options = {}, who = dev.dashboard) {
  const page = await open(options);
  const answer = await page.request.post(`${dev.base_url}/v1/session`, { data: { email: who.email, password: who.password } });
  check("sign in", answer.ok(), `${answer.status()}`);
  return page;
}

/** Goes to a page and waits for its heading and its data. */
export async function goto(page, path, heading) {
  await page.goto(dev.base_url + path);
  await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor();
  await page.getByText("Loading …").first().waitFor({ state: "detached" });
}

/** Fails at every violation that axe finds by its default rules. */
export async function accessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).setLegacyMode().analyze();
  for (const v of violations) {
    const nodes = v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ""}`);
    check(`axe on ${what}`, false, `${v.id}: ${nodes.join(" | ")}`);
  }
  check(`axe on ${what}`, violations.length === 0);
}

/** Calls the API with the demo key. */
export async function api(method, path, body, headers = {}) {
  const answer = await fetch(dev.base_url + path, {
    method,
    headers: {
      Authorization: `Bearer ${dev.api_key}`,
      ...(typeof body === "string" ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
  });
  const text = await answer.text();
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
}

export const pages = [
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
