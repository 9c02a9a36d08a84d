// Notes of which description of the API the client was generated, and checks it.
//
//   node scripts/client.mjs write     after `make client`
//   node scripts/client.mjs check     fails if bin/openapi.json has changed since
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../client/openapi.sha256", import.meta.url);
const hash = createHash("sha256")
  .update(readFileSync(new URL("../../bin/openapi.json", import.meta.url)))
  .digest("hex");

if (process.argv[2] === "write") {
  writeFileSync(file, `${hash}\n`);
} else if (readFileSync(file, "utf8").trim() !== hash) {
  console.error("the API has changed: run make client");
  process.exit(1);
}
