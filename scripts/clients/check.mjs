// Runs every check against the `sendoff dev` that DEV_JSON describes.
import { cloudClients } from "./cloud.mjs";
import { generators } from "./generators.mjs";
import { goClients } from "./gosdk.mjs";
import { finish } from "./lib.mjs";
import { pages } from "./pages.mjs";
import { samples } from "./samples.mjs";
import { snippets } from "./snippets.mjs";
import { twilioSDK } from "./twilio.mjs";
import { webhooks } from "./webhooks.mjs";
import { whatsappClient } from "./whatsapp.mjs";

setTimeout(() => {
  console.log("FAIL  not done after 10 minutes");
  process.exit(1);
}, 600_000).unref();

await samples();
await snippets();
await twilioSDK();
await whatsappClient();
await cloudClients();
await goClients();
await webhooks();
await pages();
await generators();
process.exit(finish());
