// What goes wrong is shown with the next step.
import { check, dev, goto, signedIn } from "./kit.mjs";

export async function run() {
  await ended();
  await errors();
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
