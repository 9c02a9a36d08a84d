// Eight tabs over HTTP/1.1, where a browser has six connections to a host: one
// stream serves them all, and moves on when its tab closes.
import { another, api, check, goto, signedIn } from "./kit.mjs";

export async function run() {
  const first = await signedIn();
  const tabs = [first];
  let streams = 0;
  while (tabs.length < 8) tabs.push(await another(first));
  for (const t of tabs) {
    t.on("request", (r) => {
      if (r.url().includes("/v1/events")) streams++;
    });
    await goto(t, "/messages", "Messages");
  }
  await live(tabs, "eight tabs are live");
  check("eight tabs have one event stream", streams === 1, `${streams} streams`);
  await tabs.shift().close();
  await live(tabs, "seven tabs are live after the one with the stream has gone");
}

async function live(tabs, what) {
  await new Promise((r) => setTimeout(r, 500)); // the stream, which connects when a tab takes the lead
  await api("POST", "/v1/messages", { to: "+15550000100", type: "template", template: { name: "hello_world", language: "en" } });
  const seen = await Promise.all(
    tabs.map((t) =>
      t
        .getByRole("button", { name: /^\d+ new$/ })
        .waitFor({ timeout: 15_000 })
        .then(
          () => true,
          () => false,
        ),
    ),
  );
  check(what, seen.every(Boolean), JSON.stringify(seen));
  for (const t of tabs)
    await t
      .getByRole("button", { name: /^\d+ new$/ })
      .click()
      .catch(() => {});
}
