// What each role sees and may do.
import { api, check, dev, goto, open, pages } from "./kit.mjs";

/** Accepts an invitation and returns the page that it signs in. */
async function joined(role) {
  const email = `${role}-${Date.now()}@example.com`;
  const { body } = await api("POST", "/v1/invitations", { name: `A ${role}`, email, role });
  const page = await open();
  await page.goto(body.url);
  await page.getByLabel("Password", { exact: true }).fill("a long password");
  await page.getByRole("button", { name: "Set password and sign in" }).click();
  await page.getByRole("heading", { level: 1, name: "Overview" }).waitFor();
  return page;
}

const seen = async (page, name) => (await page.getByRole("button", { name, exact: true }).count()) > 0;

export async function run() {
  for (const [role, manages, sends] of [
    ["viewer", false, false],
    ["sender", false, true],
    ["admin", true, true],
  ]) {
    const page = await joined(role);
    for (const [name, path] of pages) {
      await goto(page, path, name);
      check(`${role} reads ${name}`, (await page.getByRole("alert").count()) === 0, await page.getByRole("alert").allTextContents());
    }
    for (const [name, path, button] of [
      ["API keys", "/keys", "Create key"],
      ["Channels", "/channels", "Create channel"],
      ["Templates", "/templates", "Create template"],
      ["Webhooks", "/webhooks", "Add endpoint"],
      ["Team", "/team", "Invite"],
    ]) {
      await goto(page, path, name);
      check(`${role} and ${button}`, (await seen(page, button)) === manages);
    }
    await goto(page, "/contacts", "Contacts");
    check(`${role} and contacts`, (await seen(page, "Add contact")) === sends);
    await goto(page, "/campaigns", "Campaigns");
    check(`${role} and campaigns`, (await page.getByRole("link", { name: "New campaign" }).count()) > 0 === sends);
    await goto(page, "/playground", "Playground");
    check(`${role} and real messages`, (await page.getByLabel("Send real message").isDisabled()) !== sends);
    const own = await page.request.post(`${dev.base_url}/v1/keys`, { data: { name: "x", permissions: ["send_text"] } });
    check(`${role} and the API`, (own.status() === 201) === manages, String(own.status()));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await page.goto(`${dev.base_url}/keys`);
    await page.getByRole("button", { name: "Sign in" }).waitFor();
    await page.context().close();
  }
  check("signed out", true);
}
