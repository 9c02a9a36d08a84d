// The URL is the state: back, reload and a link keep it; an old tab survives a new build.
import { api, check, dev, goto, signedIn } from "./kit.mjs";

export async function run() {
  const page = await signedIn();
  await goto(page, "/messages", "Messages");
  await page.getByRole("combobox", { name: "Status" }).selectOption("failed");
  await page.waitForURL(/status=failed/);
  await page.getByRole("combobox", { name: "Type" }).selectOption("template");
  await page.waitForURL(/type=template/);
  await page.reload();
  check("a reload keeps the filters", (await page.getByRole("combobox", { name: "Status" }).inputValue()) === "failed");
  await page.goBack();
  await page.waitForURL((u) => !u.search.includes("type="));
  check("back takes one filter away", (await page.getByRole("combobox", { name: "Type" }).inputValue()) === "");
  await page.goForward();
  await page.waitForURL(/type=template/);

  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("g");
  await page.keyboard.press("c");
  await page.getByRole("heading", { level: 1, name: "Campaigns" }).waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
  await page.keyboard.press("g");
  await page.keyboard.press("m");
  check("in a dialog the letters go nowhere", new URL(page.url()).pathname === "/campaigns", page.url());
  await page.keyboard.press("Escape");
  const help = page.locator("dialog");
  await help.waitFor({ state: "hidden" });
  await page.keyboard.press("/");
  await help.waitFor({ state: "detached" });
  await page.evaluate(() => new Promise((r) => setTimeout(r))); // where a closed dialog gives the focus back
  check("/ searches", await page.getByRole("searchbox").evaluate((e) => e === document.activeElement));

  await goto(page, "/team", "Team");
  await page.keyboard.press("/");
  await page.getByRole("heading", { level: 1, name: "Messages" }).waitFor();
  await page.waitForFunction(() => document.activeElement?.type === "search");
  check("/ searches the messages from a page without a search", true);
  // A shared message, seen by somebody who is not signed in.
  const { body: sent } = await api("POST", "/v1/messages", {
    to: "+15550000100",
    type: "template",
    template: { name: "hello_world", language: "en" },
  });
  await goto(page, `/messages/${sent.message_id}`, "Message");
  await page.getByRole("button", { name: "Share link" }).click();
  const link = await page.getByLabel("Link, valid for 72 hours").inputValue();
  await page.context().clearCookies();
  await page.goto(link);
  await page.getByRole("heading", { level: 2, name: "Timeline" }).waitFor();
  const shared = await page.locator("body").textContent();
  check(
    "a shared message masks number and content",
    shared.includes("+15•••••••00") && !shared.includes("Hello world"),
    shared.slice(0, 200),
  );

  await oldTab();
  await newBuild();
}

/** A tab that is open while the server is replaced says so, and loads the next page anew. */
async function newBuild() {
  const page = await signedIn();
  await goto(page, "/messages", "Messages");
  const other = async (route) => {
    const answer = await route.fetch();
    const html = await answer.text();
    await route.fulfill({ response: answer, body: html.replace(/(src="[^"]*index)-[\w-]+\.js/, "$1-Other.js") });
  };
  await page.route(`${dev.base_url}/`, other);
  await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await page.getByText("Sendoff was updated.").waitFor();
  await page.unroute(`${dev.base_url}/`, other);
  const loads = [];
  page.on("load", () => loads.push(page.url()));
  await page.getByRole("link", { name: "Templates", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Templates" }).waitFor();
  await page.waitForLoadState("load");
  check("the next page is loaded anew", loads.length === 1 && !(await page.getByText("Sendoff was updated.").isVisible()), loads.join());
}

/** After a deploy the chunks of an open page are gone: it loads the page of today. */
async function oldTab() {
  const page = await signedIn();
  await goto(page, "/", "Overview");
  let gone = 0;
  await page.route(/assets\/(templates|channels)-[\w-]+\.js/, (route) => {
    if (gone++ === 0) return route.fulfill({ status: 404, body: "404 page not found" });
    return route.continue();
  });
  await page.getByRole("link", { name: "Templates", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Templates" }).waitFor();
  check("an old tab survives a new build", gone >= 1, `${gone} requests`);
}
