#!/usr/bin/env bash
# Package: npm ratelimit-header-parser 0.1.0 (by the makers of express-rate-limit).
#
# Guess: a parser for rate limit headers "of various forms" reads Retry-After: 30 as "in 30 seconds", and answers
# undefined, as its README says, for headers that it doesn't know, such as the form of the IETF's newer drafts
# (RateLimit: "minute";r=5;t=30).
#
# So it is not: RateLimit-Limit, RateLimit-Remaining and Retry-After: 30 make reset the year 1970 (30 seconds after the
# epoch), and a Retry-After with a date makes an invalid date. The newer form is not unknown to it but gives an object
# whose limit, used and remaining are all NaN.
#
# Why it matters: "wait until reset" waits no time at all, so the client hammers on while it is refused; and with NaN
# every comparison is false, so "remaining < 1" never holds it back. Check for a finite number and a date in the future.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E ratelimit-header-parser@0.1.0
cat >main.mjs <<'JS'
import { parseRateLimit } from "ratelimit-header-parser";
const show = (headers) => {
  const r = parseRateLimit(new Headers(headers));
  const reset = Number.isNaN(r.reset?.getTime()) ? "invalid" : r.reset?.getTime() > Date.now() ? "future" : r.reset?.toISOString();
  console.log("limit", r.limit, "used", r.used, "remaining", r.remaining, "reset", reset);
};
show({ "RateLimit-Limit": "100", "RateLimit-Remaining": "0", "RateLimit-Reset": "30" });
show({ "RateLimit-Limit": "100", "RateLimit-Remaining": "0", "Retry-After": "30" });
show({ "RateLimit-Limit": "100", "RateLimit-Remaining": "0", "Retry-After": "Fri, 01 Jan 2027 00:00:00 GMT" });
show({ "RateLimit-Policy": '"minute";q=100;w=60', RateLimit: '"minute";r=0;t=30' });
JS
got=$(node main.mjs)
want='limit 100 used 100 remaining 0 reset future
limit 100 used 100 remaining 0 reset 1970-01-01T00:00:30.000Z
limit 100 used 100 remaining 0 reset invalid
limit NaN used NaN remaining NaN reset invalid'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
