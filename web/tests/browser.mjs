// The dashboard in a real browser, in front of a `sendoff dev` of its own.
//
//   DEV_JSON=DIR/dev.json node tests/browser.mjs [folder for screenshots]
//
// PARTS=campaign,hostile runs some parts. A violation of the content security
// policy, an error on the console or an axe violation fails the run.
import { browser, check, finish } from "./kit.mjs";

const parts = [
  "newcomer",
  "playground",
  "campaign",
  "keys",
  "roles",
  "state",
  "names",
  "zones",
  "errors",
  "keyboard",
  "hostile",
  "tabs",
  "figures",
  "pages",
  "many",
  "tools",
];
const chosen = process.env.PARTS?.split(",") ?? parts;

for (const name of parts.filter((p) => chosen.includes(p))) {
  const began = Date.now();
  try {
    const { run } = await import(`./${name}.mjs`);
    await run();
  } catch (e) {
    check(name, false, String(e.stack ?? e).slice(0, 1500));
  }
  console.log(`${name}: ${((Date.now() - began) / 1000).toFixed(1)} s`);
  for (const c of browser.contexts()) await c.close();
}
await browser.close();
finish();
