// Without a mouse, and without a screen: dialogs keep the focus and give it back, live
// regions speak, titles change, tables have captions and heads also as cards.
import { api, check, goto, pages, signedIn } from "./kit.mjs";

const focused = (page) => page.evaluate(() => document.activeElement?.textContent?.trim() || document.activeElement?.id || "");

export async function run() {
  const page = await signedIn();
  const titles = new Set();
  for (const [name, path] of pages) {
    await goto(page, path, name);
    titles.add(await page.title());
    check(`the title of ${name}`, (await page.title()) === `${name} · Sendoff`, await page.title());
  }
  check("every page has a title of its own", titles.size === pages.length);

  await goto(page, "/keys", "API keys");
  await page.keyboard.press("Tab");
  check("the first stop is the skip link", (await focused(page)) === "Skip to content");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.id === "content");
  await page.keyboard.press("Tab");
  check("it skips the navigation", (await focused(page)) === "Create key", await focused(page));
  await dialogs(page);
  await copied(page);
  await tables();
}

/** A dialog keeps the focus inside, closes on Escape and by its buttons, and gives the focus back. */
async function dialogs(page) {
  const { body: key } = await api("POST", "/v1/keys", { name: "Keyboard", permissions: ["send_text"] });
  await goto(page, "/keys", "API keys");
  const opener = page.getByRole("button", { name: "Create key" });
  await opener.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("dialog", { name: "Create an API key" }).waitFor();
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press("Tab");
    const out = await page.evaluate(() => document.activeElement !== document.body && !document.activeElement?.closest("dialog"));
    check("a dialog keeps the focus", !out, await focused(page));
  }
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.textContent === "Create key");
  check("Escape gives the focus back", true);

  const remove = page.getByRole("button", { name: "Delete Keyboard" });
  await remove.focus();
  await page.keyboard.press("Enter");
  check("what destroys is not chosen at first", (await focused(page)) === "Keep", await focused(page));
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.textContent?.startsWith("Delete Keyboard"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("row", { name: /Keyboard/ }).waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.id === "content");
  check("the focus stays on the page when its row is gone", true);
  const gone = await api("GET", `/v1/keys/${key.id}`);
  check("a key is deleted by keyboard alone", gone.status === 404, String(gone.status));
}

/** Copying is said, also where a page without TLS has no clipboard. */
async function copied(page) {
  await page.addInitScript(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await goto(page, "/playground", "Playground");
  await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
  await page.evaluate(() => {
    document.addEventListener("copy", () => {
      window.copied = document.activeElement.value;
    });
  });
  const button = page.getByRole("button", { name: "Copy curl" });
  await button.focus();
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("Copied").waitFor();
  const text = await page.evaluate(() => window.copied);
  check("a page without a clipboard copies all the same", text?.startsWith("curl -sS -X POST"), text);
  check("and the focus stays on the button", (await focused(page)) === "Copy curl", await focused(page));
}

/** As cards on a phone, a table is still a table with a caption, rows and heads. */
async function tables() {
  const phone = await signedIn({ viewport: { width: 390, height: 800 } });
  for (const [heading, path, label] of [
    ["API keys", "/keys", "API keys"],
    ["Templates", "/templates", "Templates"],
    ["Team", "/team", "Team"],
    ["Contacts", "/contacts", "Contacts"],
  ]) {
    await goto(phone, path, heading);
    const table = phone.getByRole("table", { name: label, exact: true });
    await table.waitFor();
    const heads = await table.getByRole("columnheader").count();
    const cells = await table.getByRole("row").nth(1).getByRole("cell", { includeHidden: true }).count();
    check(`${heading} is a table on a phone`, heads > 2 && cells === heads, `${heads} heads, ${cells} cells`);
  }
}
