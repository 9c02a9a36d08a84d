import { defineConfig } from "@hey-api/openapi-ts";

// `make client` writes the description of the API to bin/openapi.json. The formats
// of other vendors have clients of their own.
export default defineConfig({
  input: "../bin/openapi.json",
  output: { path: "client/src/api", clean: true, importFileExtension: ".js" }, // Node.js wants it
  parser: { filters: { tags: { exclude: ["Dialects", "Callbacks"] }, orphans: false } },
  plugins: [{ name: "@hey-api/client-fetch", throwOnError: true }, "@hey-api/typescript", "@hey-api/sdk"],
});
