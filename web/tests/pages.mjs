// Every page in both themes and on a phone.
import { accessible, api, check, dev, goto, pages, shots, signedIn } from "./kit.mjs";

export async function run() {
  const page = await signedIn();
  for (const theme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: theme });
    for (const [name, path] of [...pages, ["New campaign", "/campaigns/new"]]) {
      await goto(page, path, name);
      await accessible(page, `${name}, ${theme}`);
      if (shots) await page.screenshot({ path: `${shots}/${name.replace(" ", "-").toLowerCase()}-${theme}.png` });
      const cut = await page.locator("main .btn").evaluateAll((all) => {
        const right = document.querySelector("main").getBoundingClientRect().right;
        return all.filter((b) => b.checkVisibility() && b.getBoundingClientRect().right > right).map((b) => b.textContent);
      });
      check(`no button of ${name} lies outside the page`, cut.length === 0, cut.join(", "));
    }
  }
  await api("POST", "/v1/messages", { to: "+15550000100", type: "template", template: { name: "hello_world", language: "en" } });
  await goto(page, "/", "Overview");
  for (const label of [
    "Total keys",
    "Active keys",
    "Calls today",
    "Templates configured",
    "Messages today",
    "Success rate",
    "Waiting",
    "Oldest waiting",
  ]) {
    check(`the tile ${label}`, (await page.getByRole("group", { name: label, exact: true }).count()) === 1);
  }
  const chart = page.getByRole("figure", { name: "Messages a second" });
  await chart.locator(".sr tbody tr").nth(59).waitFor({ state: "attached" });
  check("a chart has a table", (await chart.locator(".sr tbody tr").count()) === 60);
  await page.emulateMedia({ colorScheme: "light" });
  const drawn = () =>
    page
      .locator(".chart canvas")
      .first()
      .evaluate((c) => c.toDataURL());
  await page.waitForTimeout(300);
  const light = await drawn();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.waitForTimeout(300);
  check("a chart is drawn in the colours of a new theme", (await drawn()) !== light);
  for (const width of [1440, 390]) for (const firstLast of [false, true]) await still(width, firstLast);
  await forms(page);
  await columns(page);
  const phone = await signedIn({ viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
  await goto(phone, "/", "Overview");
  await phone.getByRole("button", { name: "Menu" }).click();
  await phone.getByRole("link", { name: "Messages", exact: true }).click();
  await phone.getByRole("heading", { level: 1, name: "Messages" }).waitFor();
  for (const [name, path] of [...pages, ["New campaign", "/campaigns/new"]]) {
    await goto(phone, path, name);
    check(`${name} fits a phone`, await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    check(`${name} is for a thumb`, (await small(phone)).length === 0, (await small(phone)).join(", "));
    if (shots) await phone.screenshot({ path: `${shots}/${name.replace(" ", "-").toLowerCase()}-phone.png` });
  }
}

/** The menu of columns lies on the page, however wide that is. */
async function columns(page) {
  for (const width of [1440, 1280, 1024, 800, 390]) {
    await page.setViewportSize({ width, height: 860 });
    await goto(page, "/messages", "Messages");
    await page.locator("summary", { hasText: "Columns" }).click();
    const menu = await page.locator(".menu > .panel").boundingBox();
    check(`the menu of columns at ${width}`, menu.x >= 0 && menu.x + menu.width <= width, JSON.stringify(menu));
    check(`the page beside it at ${width}`, await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  }
}

/** What of a phone's page is too small to touch, or has letters at which Safari enlarges the page. */
function small(phone) {
  return phone.locator("button, summary, select, input, textarea, nav a, .tabs a, .btn").evaluateAll((all) =>
    all
      .filter((e) => e.checkVisibility())
      .filter((e) => {
        const box = (e.matches("[type=checkbox], [type=radio]") && e.closest("label") ? e.closest("label") : e).getBoundingClientRect();
        const typed = e.matches("select, textarea, input:not([type=checkbox], [type=radio])");
        return (
          box.height < (e.matches("[type=checkbox], [type=radio]") ? 20 : 24) ||
          (typed && Number.parseFloat(getComputedStyle(e).fontSize) < 16)
        );
      })
      .map((e) => `${e.tagName} ${e.name || e.textContent.slice(0, 30)} ${e.getBoundingClientRect().height}`),
  );
}

/** Nothing that is shown moves away when more has come from a slow server, whose first answers come first, or last. */
async function still(width, firstLast) {
  let asked = 0;
  let last = 0; // when the newest answer came; what it shows comes soon after, such as a chart
  const page = await signedIn({ viewport: { width, height: 860 } });
  await page.addInitScript(() => {
    window.shifted = 0;
    const add = (list) => {
      for (const e of list.getEntries()) if (!e.hadRecentInput) window.shifted += e.value;
    };
    new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  });
  await page.route("**/v1/**", async (route) => {
    if (!route.request().url().includes("/events")) {
      const wait = 50 * ++asked;
      last = Date.now() + 500;
      await new Promise((r) => setTimeout(r, firstLast ? Math.max(0, 500 - wait) : wait));
    }
    await route.continue().catch(() => {}); // the page has gone
    last = Date.now();
  });
  const several = ["Overview", "Messages", "Templates", "Audit log", "Settings"]; // made of several answers
  for (const [name, path] of [...pages.filter(([name]) => several.includes(name)), ["New campaign", "/campaigns/new"]]) {
    asked = 0;
    last = Date.now();
    await goto(page, path, name);
    await page.waitForLoadState("load");
    for (const until = Date.now() + 10_000; Date.now() < until && Date.now() - last < 400; ) await page.waitForTimeout(50);
    const shifted = await page.evaluate(() => window.shifted);
    check(`${name} stays where it is, ${width} wide`, shifted < 0.1, `${shifted}, first answers ${firstLast ? "last" : "first"}`);
  }
  await page.context().close();
}

/** The forms that create and change. */
async function forms(page) {
  const stamp = Date.now();
  await goto(page, "/channels", "Channels");
  await page.getByRole("button", { name: "Create channel" }).click();
  await page.getByLabel("Provider", { exact: true }).selectOption("gupshup");
  await page.getByLabel("Name", { exact: true }).fill(`Made ${stamp}`);
  await page.getByLabel("Sender", { exact: true }).fill(`+9199${String(stamp).slice(-8)}`);
  await page.getByLabel("app name").fill("Shop");
  await page.getByLabel("apikey").fill("secret");
  await page.getByText("Rate and prices").click();
  await page.getByLabel("Price: default").fill("0.01");
  await page.getByLabel("Price: utility").fill("0.004");
  await accessible(page, "the form of a channel");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  const card = page.getByRole("region", { name: `Made ${stamp}` });
  await card.getByText("utility 0.004").waitFor();
  check("the provider's steps are shown", (await card.locator(".steps").textContent()).includes("/callbacks/gupshup/"));
  await card.getByRole("button", { name: /^Edit/ }).click();
  await page.getByLabel("Price: utility").fill("0.005");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await card.getByText("utility 0.005").waitFor();
  await card.getByRole("button", { name: /^Delete/ }).click();
  await page
    .getByRole("dialog")
    .getByRole("button", { name: /^Delete/ })
    .click();
  await card.waitFor({ state: "detached" });

  await goto(page, "/templates", "Templates");
  await page.getByRole("button", { name: "Create template" }).click();
  await page.getByLabel("Name", { exact: true }).fill(`made_${stamp}`);
  await page.getByLabel("Text", { exact: true }).fill("Hi {{1}}!");
  await page.getByLabel("Name of {{1}}").fill("customer");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await page.getByRole("button", { name: `Preview made_${stamp}` }).click();
  await page.getByLabel("customer", { exact: true }).fill("Ada");
  await page.getByRole("button", { name: "Fill in" }).click();
  await page.getByText("Hi Ada!").waitFor();
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: /^Sync/ }).first().click();
  await page.getByText(/\d+ new, \d+ changed/).waitFor();

  await goto(page, "/settings", "Settings");
  const account = page.getByRole("region", { name: "Account", exact: true });
  await account.getByLabel("Time zone", { exact: true }).fill("Asia/Calcutta");
  await account.getByRole("button", { name: "Save", exact: true }).click();
  await account.getByText("Saved.").waitFor();
  const { time_zone } = await (await page.request.get(`${dev.base_url}/v1/account`)).json();
  check("the account's zone is saved", time_zone === "Asia/Kolkata", time_zone);
  await page.getByText("Messages are not charged. Balance: 0 credits").waitFor();
  const kept = page.getByRole("region", { name: "Retention" });
  check("the default of messages", (await kept.getByLabel("Messages", { exact: true }).inputValue()) === "90");
  await kept.getByLabel("Messages", { exact: true }).fill("60");
  await kept.getByLabel("Remove content and numbers after").fill("14");
  await kept.getByRole("button", { name: "Save", exact: true }).click();
  await kept.getByText("Saved.").waitFor();
  const { retention, redact_days } = await (await page.request.get(`${dev.base_url}/v1/account`)).json();
  check("retention is saved", retention.messages === 60 && retention.audit_log === 365 && redact_days === 14, JSON.stringify(retention));
  await kept.getByLabel("Remove content and numbers after").fill("");
  await kept.getByRole("button", { name: "Save", exact: true }).click();
  await page.waitForFunction(async () => (await (await fetch("/v1/account")).json()).redact_days === 0);
}
