#!/usr/bin/env bash
# Packages: npm @tanstack/react-router 1.170.46, react and react-dom 19.3.1.
#
# Guess: a router that is given no parser for the query hands it on as text, as the browser's URLSearchParams do; at
# worst it makes a number of what is one and can be written back the same.
#
# So it is not: what JSON can read is read as JSON, and the router's own address is then written anew from that. An id
# of 16 digits becomes its neighbour, 1.50 becomes 1.5, 1e5 becomes 100000, and +447700900123 loses its plus: in a query
# that is a space, and JSON allows spaces before a number. The router's own links put such a text in quotes, so only
# links from elsewhere change.
#
# Why it matters: a link from a mail or an alert to one message's reference opens the list of another one, and the
# address bar shows the wrong id too. Give the router parseSearch and stringifySearch of your own.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E @tanstack/react-router@1.170.46 react@19.3.1 react-dom@19.3.1
cat >main.mjs <<'JS'
import { createMemoryHistory, createRootRoute, createRoute, createRouter } from "@tanstack/react-router";
for (const query of process.argv.slice(2)) {
  const root = createRootRoute();
  const list = createRoute({ getParentRoute: () => root, path: "/list" });
  const history = createMemoryHistory({ initialEntries: [`/list?${query}`] });
  const router = createRouter({ routeTree: root.addChildren([list]), history });
  await router.load();
  const { search, href } = router.state.location;
  const own = router.buildLocation({ to: "/list", search: Object.fromEntries(new URLSearchParams(query)) });
  console.log(query, "->", JSON.stringify(search), href, "own link:", own.href);
}
JS
got=$(node main.mjs ref=9007199254740993 ref=1.50 ref=1e5 to=+447700900123 ref=00123)
want='ref=9007199254740993 -> {"ref":9007199254740992} /list?ref=9007199254740992 own link: /list?ref=%229007199254740993%22
ref=1.50 -> {"ref":1.5} /list?ref=1.5 own link: /list?ref=%221.50%22
ref=1e5 -> {"ref":100000} /list?ref=100000 own link: /list?ref=%221e5%22
to=+447700900123 -> {"to":447700900123} /list?to=447700900123 own link: /list?to=%22+447700900123%22
ref=00123 -> {"ref":"00123"} /list?ref=00123 own link: /list?ref=00123'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
