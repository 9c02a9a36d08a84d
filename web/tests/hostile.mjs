// Scripts, bidi marks and 100 KB in what others wrote are shown as text.
import { accessible, api, check, dev, goto, signedIn } from "./kit.mjs";

const evil = `<img src=x onerror="alert(1)"><script>alert(2)</script> \u202Egnp.exe\u202C javascript:alert(3)`;
const long = "x".repeat(20_000);

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
