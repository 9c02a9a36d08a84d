#!/usr/bin/env bash
# Package: npm @hey-api/openapi-ts 0.90.0 (bundled for the run with esbuild 0.25.0, typescript 5.9.3).
#
# Guess: a generated client with throwOnError false, the default, never throws: each call resolves to {data, error}. And
# a Date in a form's body is sent like a Date in JSON: 2026-01-01T00:00:00.000Z.
#
# So it is not: an answer of 200 whose JSON is empty or cut short makes the call THROW a SyntaxError, though a refused
# connection comes as error; and a Date in a form is sent with its JSON quotes: SendAt=%222026-...%22.
#
# Why it matters: code that looks at error only, as the documentation's examples do, dies of the one case where a proxy
# cut the answer, and that of a message which was in fact accepted; and a server refuses a date with quotes, or stores
# it. Wrap the calls, and turn dates into strings before they enter a form.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

cat >api.yaml <<'YAML'
openapi: 3.1.0
info: {title: t, version: "1"}
paths:
  /messages:
    post:
      operationId: send
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema: {type: object, properties: {To: {type: string}, SendAt: {type: string, format: date-time}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}
YAML
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E @hey-api/openapi-ts@0.90.0 typescript@5.9.3 esbuild@0.25.0
npx openapi-ts -i api.yaml -o out -c @hey-api/client-fetch >/dev/null 2>&1
npx esbuild out/client/index.ts out/sdk.gen.ts --bundle --format=esm --platform=node --outdir=js --log-level=error --out-extension:.js=.mjs
cat >main.mjs <<'JS'
import { createClient } from "./js/client/index.mjs";
import { send } from "./js/sdk.gen.mjs";
const call = async (name, answer) => {
  let sent;
  const fetch = async (request) => ((sent = await request.text()), answer());
  let result;
  try {
    const r = await send({ client: createClient({ baseUrl: "http://x.test", fetch }), body: { To: "+12025550123", SendAt: new Date(0) } });
    result = r.error === undefined ? "data" : "error";
  } catch (err) {
    result = "throws " + err.name;
  }
  console.log(name, "->", result);
  return sent;
};
const json = (text) => () => new Response(text, { headers: { "Content-Type": "application/json" } });
console.log("body", await call("whole", json("{}")));
await call("empty", json(""));
await call("cut", json('{"id":'));
await call("no connection", () => {
  throw new TypeError("fetch failed");
});
JS
got=$(node main.mjs)
want='whole -> data
body To=%2B12025550123&SendAt=%221970-01-01T00%3A00%3A00.000Z%22
empty -> throws SyntaxError
cut -> throws SyntaxError
no connection -> error'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
