// What goes wrong is shown with the next step.
import { check, dev, goto, signedIn } from "./kit.mjs";

export async function run() {
  await ended();
  await errors();
  await further();
}

/** A session that has ended: the page leads to the sign-in and back. */
async function ended() {
  const page = await signedIn();
  await goto(page, "/keys", "API keys");
  await page.context().clearCookies();
  await page.getByRole("link", { name: "Templates", exact: true }).click();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await page.getByLabel("E-mail", { exact: true }).fill(dev.dashboard.email);
  await page.getByLabel("Password", { exact: true }).fill(dev.dashboard.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Templates" }).waitFor();
  check("who signs in again comes back to the page", true);
  await page.context().close();
}

/** Errors have their next step. */
async function errors() {
  const page = await signedIn();
  await page.goto(`${dev.base_url}/messages/01a2297e-0000-7d21-82bc-123dce93a26c`);
  await page.getByRole("alert").getByRole("link", { name: "Show all messages" }).click();
  await page.getByRole("heading", { level: 1, name: "Messages" }).waitFor();
  await page.route("**/v1/keys?*", (route) =>
    route.fulfill({ status: 429, contentType: "application/problem+json", body: '{"status":429,"detail":"too much at once"}' }),
  );
  await page.goto(`${dev.base_url}/keys`);
  const alert = page.getByRole("alert").filter({ hasText: "too much at once" });
  await alert.waitFor();
  await page.unroute("**/v1/keys?*");
  await alert.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("row", { name: /Demo key/ }).waitFor();
  check("what failed is tried again", true);
  await page.context().close();
}

/** What is rare in a long list: the page reads on by itself, then by a button, and never says that there is nothing. */
async function further() {
  const page = await signedIn();
  let reads = 0;
  const entry = { id: 7, actor: "user:1", action: "key.rotate", target: "key:9", detail: {}, at: new Date().toISOString() };
  await page.route("**/v1/audit?*", (route) => {
    reads++;
    const cursor = new URL(route.request().url()).searchParams.get("cursor");
    const body = cursor === "part5" ? { data: [entry] } : { data: [], next_cursor: `part${Number(cursor?.slice(4) ?? 0) + 1}` };
    return route.fulfill({ contentType: "application/json", body: JSON.stringify(body) });
  });
  await goto(page, "/audit?action=key.rotate", "Audit log");
  await page.getByRole("status").filter({ hasText: "Nothing found so far" }).waitFor();
  check("five parts of a list are read at once", reads === 5, `${reads}`);
  check("a list that is not at its end is not called empty", (await page.getByText("No entry matches").count()) === 0);
  await page.getByRole("button", { name: "Look further" }).click();
  await page.getByRole("row", { name: /key:9/ }).waitFor();
  check("what was found farther back stands in the URL", page.url().includes("cursor=part5"), page.url());
  await page.context().close();
}
