// The zone of every time.
import { check, goto, signedIn } from "./kit.mjs";

/** One switch for the zone of every time. It stands in the URL, goes along to other pages, and back takes it away. */
export async function run() {
  const page = await signedIn({ timezoneId: "Asia/Kolkata" });
  const times = async (heading, path) => {
    if (path) await goto(page, path, heading);
    await page.locator("main time").first().waitFor();
    return page.locator("main time").allTextContents();
  };
  const all = (texts, zone) => texts.length > 0 && texts.every((t) => t.includes(zone));
  check("times are mine at first", all(await times("Team", "/team"), "GMT+5:30"));
  await page.getByRole("combobox", { name: "Time zone" }).selectOption("utc");
  await page.waitForURL(/[?&]zone=utc/);
  check("every time shows its zone", all(await times("Team"), "UTC"));
  await page.getByRole("link", { name: "Audit log", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Audit log" }).waitFor();
  check("the zone goes along to another page", page.url().endsWith("/audit?zone=utc") && all(await times(), "UTC"), page.url());
  await page.goBack();
  await page.goBack();
  await page.waitForURL((u) => u.pathname === "/team" && !u.search);
  await page.locator("main time", { hasText: "GMT+5:30" }).first().waitFor();
  check("back takes the zone away", all(await times(), "GMT+5:30"));
  await page.goForward();
  await page.locator("main time", { hasText: "UTC" }).first().waitFor();
  await page.reload();
  check("it stays after a reload", all(await times(), "UTC"));
  check("a link brings its zone", all(await times("Team", "/team?zone=utc"), "UTC"));

  await goto(page, "/messages?zone=mine", "Messages");
  const asked = page.waitForRequest(/created_from=/);
  await page.getByLabel("From", { exact: true }).fill("2026-03-01");
  const from = new URL((await asked).url()).searchParams.get("created_from");
  check("a day begins in the chosen zone", from === "2026-02-28T18:30:00.000Z", from);
}
