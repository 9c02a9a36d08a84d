// Scripts, bidi marks and 100 KB in what others wrote are shown as text.
import { accessible, api, check, dev, goto, signedIn } from "./kit.mjs";

const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script> \u202Egnp.exe\u202C javascript:alert(3)`;
const long = "x".repeat(20_000);
const huge = `${evil} ${"w".repeat(100_000)}`;

// shown reports whether the page has the hostile text, in an element or a field.
const shown = () =>
  [...document.querySelectorAll("main, main textarea")].some((e) => (e.value ?? e.textContent).includes("<script>alert(2)</script>"));

export async function run() {
  const name = `${evil} ${"y".repeat(60)}`.slice(0, 190);
  const made = await Promise.all([
    api("POST", "/v1/contacts", { phone: "+15550007001", name, fields: { "<b>": evil, long } }),
    api("POST", "/v1/lists", { name }),
    api("POST", "/v1/keys", { name: name.slice(0, 100), permissions: ["send_text"] }),
    api("POST", "/v1/messages", {
      to: "+15550000100",
      type: "text",
      text: { body: `${evil} ${"z".repeat(3000)}` },
      reference: evil.slice(0, 200),
    }),
    api("POST", "/v1/messages", { to: "+15550000100", type: "text", text: { body: "x" }, metadata: { long: long.slice(0, 4000) } }),
  ]);
  check(
    "the hostile texts are stored",
    made.every((m) => m.status < 300),
    JSON.stringify(made.map((m) => [m.status, m.body?.detail])),
  );
  const page = await signedIn();
  await hugeTexts(page);
  for (const [heading, path] of [
    ["Contacts", "/contacts?q=%2B15550007001"],
    ["Contacts", "/contacts?tab=lists"],
    ["API keys", "/keys"],
    ["Messages", "/messages"],
    ["Message", `/messages/${made[3].body.message_id}`],
    ["Playground", `/playground?body=${encodeURIComponent(JSON.stringify({ to: "+15550000100", text: { body: evil } }))}`],
    ["Audit log", "/audit"],
  ]) {
    await goto(page, path, heading);
    await page.waitForFunction(shown);
    const found = await page.evaluate(() => ({
      scripts: document.querySelectorAll("main script, main img, main iframe").length,
      links: [...document.querySelectorAll("main a")].filter((a) => /^javascript:/i.test(a.getAttribute("href") ?? "")).length,
      wide: document.documentElement.scrollWidth > innerWidth,
      // A bidi override must not leave the element of its text.
      loose: [...document.querySelectorAll("main *")].filter(
        (e) =>
          [...e.childNodes].some((n) => n.nodeType === 3 && n.data.includes("\u202E")) &&
          !e.closest("bdi, pre, textarea, option, .sr, caption, h1, h2"),
      ).length,
    }));
    check(
      `hostile content on ${path}`,
      found.scripts === 0 && found.links === 0 && !found.wide && found.loose === 0,
      JSON.stringify(found),
    );
  }
  await goto(page, `/messages/${made[3].body.message_id}`, "Message");
  check("a script is shown as text", await page.getByText("<script>alert(2)</script>").first().isVisible());
  await accessible(page, "hostile content");
  const secret = /sk_(live|test)_\w{20}/;
  const back = await page.request.get(`${dev.base_url}/v1/keys`);
  const keys = await back.text();
  check("the answer at creation has the secret", secret.test(JSON.stringify(made[2].body)));
  check("no later answer has it", back.ok() && keys.includes("alert(2)") && !secret.test(keys), keys.slice(0, 300));
  const gone = await api("DELETE", `/v1/keys/${made[2].body.id}`);
  check("the key is deleted", gone.status === 204, gone.status);
}

/** 100 KB wherever a text may be so long: no page becomes wide, endless or slow, and the text can be read. */
async function hugeTexts(page) {
  const phone = "+15550007002";
  const fields = { huge, ...Object.fromEntries([...Array(500)].map((_, i) => [`f${i}`, i])) };
  const order = { name: "order_confirmation", language: "en" };
  const components = [{ type: "BODY", text: huge }];
  const made = await Promise.all([
    api("POST", "/v1/contacts", { phone, name: "Huge", fields }),
    api("POST", "/v1/campaigns", {
      name: "Huge",
      type: "template",
      template: { ...order, variables: { customer_name: huge, order_id: huge, total: "1" } },
      audience: { contacts: [{ to: phone, fields: { huge } }] },
    }),
    api("POST", "/v1/templates", { name: `huge_${Date.now()}`, language: "en", category: "utility", components }),
    api("POST", "/v1/messages", { to: phone, type: "template", template: { ...order, variables: [huge, huge, "1"] } }),
    api("POST", "/v1/messages", { to: phone, type: "text", text: { body: huge } }),
    fetch(`${dev.emulator_url}/_emulator/inbound`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ channel: dev.channels[0].key, from: phone, text: huge }),
    }),
  ]);
  const statuses = made.map((m) => m.status);
  check("huge texts are stored or refused", statuses[0] === 201 && statuses.every((s) => s < 500), JSON.stringify(statuses));
  let inbound = [];
  for (let i = 0; i < 100 && inbound.length === 0; i++) {
    await new Promise((r) => setTimeout(r, 100));
    inbound = (await api("GET", `/v1/inbound?from=${encodeURIComponent(phone)}`)).body.data;
  }
  check("a huge text was received", inbound[0]?.text?.length > 0, JSON.stringify(inbound).slice(0, 200));
  const visits = [
    ["Contacts", `/contacts?q=${encodeURIComponent(phone)}`],
    ["Messages", "/messages"],
    ["Messages", "/messages?tab=inbound"],
    ["Templates", "/templates"],
    ["Campaigns", "/campaigns"],
    ["Audit log", "/audit"],
    ["Playground", `/playground?body=${encodeURIComponent(JSON.stringify({ to: phone, text: { body: huge.slice(0, 1500) } }))}`],
  ];
  if (made[1].status === 201) visits.push(["Huge", `/campaigns/${made[1].body.id}`]);
  if (made[4].status === 202) visits.push(["Message", `/messages/${made[4].body.message_id}`]);
  if (made[3].status === 202) visits.push(["Message", `/messages/${made[3].body.message_id}`]);
  for (const [heading, path] of visits) {
    await goto(page, path, heading);
    await page.waitForTimeout(300);
    const { wide, high, nodes } = await page.evaluate(() => ({
      wide: document.documentElement.scrollWidth - innerWidth,
      high: document.documentElement.scrollHeight,
      nodes: document.querySelectorAll("main *").length,
    }));
    const where = `huge texts on ${path.slice(0, 40)}`;
    check(where, wide <= 0 && high < 8000 && nodes < 5000, JSON.stringify({ wide, high, nodes }));
  }
  await goto(page, `/contacts?q=${encodeURIComponent(phone)}`, "Contacts");
  await page.getByRole("button", { name: "and 481 more" }).click();
  const all = page.getByRole("region", { name: "All fields" });
  check("all fields are shown", JSON.parse(await all.textContent()).huge === huge);
  await goto(page, "/messages?tab=inbound", "Messages");
  await page.getByRole("button", { name: "All 100," }).first().click();
  const whole = page.getByRole("region", { name: "The whole text" });
  check("the whole text is shown", (await whole.textContent()) === huge);
  await accessible(page, "a huge text");
}
