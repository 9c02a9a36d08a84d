// A key: created, used by curl, switched off (refused within a second), rotated, deleted.
import { spawnSync } from "node:child_process";
import { check, dev, goto, signedIn } from "./kit.mjs";

const uses = (key) =>
  spawnSync("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", `${dev.base_url}/v1/messages`, "-H", `Authorization: Bearer ${key}`], {
    encoding: "utf8",
  }).stdout;

/** Reports whether a key is answered with a status within a second and a little. */
async function soon(key, status) {
  for (const until = Date.now() + 1200; Date.now() < until; await new Promise((r) => setTimeout(r, 50)))
    if (uses(key) === status) return true;
  return false;
}

/** Reports whether the page or the browser's storage has a text. */
const keeps = (page, text) =>
  page.evaluate(
    (text) =>
      [document.documentElement.outerHTML, JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href]
        .concat([...document.querySelectorAll("input, textarea")].map((e) => e.value))
        .some((held) => held.includes(text)),
    text,
  );

export async function run() {
  const page = await signedIn();
  await goto(page, "/keys", "API keys");
  await page.getByRole("button", { name: "Create key" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Browser test");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const secret = await page.locator("dialog code").textContent();
  await page.getByRole("button", { name: "Done" }).click();
  check("a closed dialog keeps no secret", secret.startsWith("sk_live_") && !(await keeps(page, secret)));
  check("the new key works", uses(secret) === "200");
  await page.getByRole("button", { name: "Deactivate Browser test" }).click();
  await page.getByRole("button", { name: "Activate Browser test", exact: true }).waitFor();
  check("a key that is switched off is refused within a second", await soon(secret, "401"));
  await page.getByRole("button", { name: "Activate Browser test", exact: true }).click();
  await page.getByRole("button", { name: "Deactivate Browser test" }).waitFor();
  check("and works again when it is switched on", await soon(secret, "200"));
  await page.getByRole("button", { name: "Rotate Browser test" }).click();
  check("a rotation keeps the old secret for a day", (await page.getByLabel("The old secret works").inputValue()) === "86400");
  await page.getByRole("dialog").getByRole("button", { name: "Rotate", exact: true }).click();
  const next = await page.locator("dialog code").textContent();
  check("rotation makes another secret", next !== secret && next.startsWith("sk_live_"));
  await page.getByRole("button", { name: "Done" }).click();
  check("both secrets work during the overlap", (await soon(next, "200")) && uses(secret) === "200");
  await page.getByRole("button", { name: "Rotate Browser test" }).click();
  await page.getByLabel("The old secret works").selectOption("not at all");
  await page.getByRole("dialog").getByRole("button", { name: "Rotate", exact: true }).click();
  const third = await page.locator("dialog code").textContent();
  await page.getByRole("button", { name: "Done" }).click();
  check("without an overlap the old secret ends at once", (await soon(next, "401")) && (await soon(third, "200")));
  await page.getByRole("button", { name: "Delete Browser test" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete Browser test" }).click();
  await page.getByRole("row", { name: /Browser test/ }).waitFor({ state: "detached" });
  check("a deleted key is refused within a second", (await soon(third, "401")) && (await soon(secret, "401")));
  check("no page keeps a secret", !(await keeps(page, secret)) && !(await keeps(page, next)));
}
