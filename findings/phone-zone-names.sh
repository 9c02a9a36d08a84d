#!/usr/bin/env bash
# Packages: github.com/nyaruka/phonenumbers v1.8.1, npm cldr-bcp47 48.2.0 (CLDR's own list of time zones).
#
# Guess: GetTimezonesForNumber answers names of ONE list: the IANA database's (Asia/Kolkata) or CLDR's, which browsers
# show too (Asia/Calcutta). India comes as Asia/Calcutta, so it is CLDR's, and CLDR's list turns each into IANA's name.
#
# So it is not: India, Nepal, Myanmar, Argentina, Greenland and Eritrea come under CLDR's old names, Ukraine and Vietnam
# under IANA's new ones (Europe/Kyiv, Asia/Ho_Chi_Minh), which CLDR knows only as aliases. Satellite and toll-free
# numbers of the world come as Etc/Unknown, which Go's time.LoadLocation refuses, with the embedded database too.
#
# Why it matters: comparing such a name with a stored one or a browser's is wrong for one country or another whichever
# list you chose, a system without the "backward" names can't load half of them, and one sort can't be loaded at all.
# Map every name through an alias table first, and treat Etc/Unknown as "not known".
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

go mod init finding >/dev/null 2>&1
go get github.com/nyaruka/phonenumbers@v1.8.1 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"time"
	_ "time/tzdata"

	lib "github.com/nyaruka/phonenumbers"
)

func main() {
	numbers := []string{"+919876550123", "+9779851055501", "+9595550123", "+5491155550123", "+299555012", "+2917555012",
		"+380505550123", "+84905550123", "+80012345678"}
	for _, s := range numbers {
		n, _ := lib.Parse(s, "")
		zones, _ := lib.GetTimezonesForNumber(n)
		_, err := time.LoadLocation(zones[0])
		fmt.Println(zones[0], err == nil)
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E cldr-bcp47@48.2.0
cat >main.cjs <<'JS'
const zones = Object.values(require("cldr-bcp47/bcp47/timezone.json").keyword.u.tz).filter((z) => z._alias);
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const [name, loads] = line.split(" ");
  const zone = zones.find((z) => z._alias.split(" ").includes(name));
  const cldr = zone._alias.split(" ")[0];
  console.log(name, "CLDR:", name === cldr ? "same" : cldr, "IANA:", name === zone._iana ? "same" : zone._iana, "loads:", loads);
}
JS
got=$(go run . | node main.cjs)
want='Asia/Calcutta CLDR: same IANA: Asia/Kolkata loads: true
Asia/Katmandu CLDR: same IANA: Asia/Kathmandu loads: true
Asia/Rangoon CLDR: same IANA: Asia/Yangon loads: true
America/Buenos_Aires CLDR: same IANA: America/Argentina/Buenos_Aires loads: true
America/Godthab CLDR: same IANA: America/Nuuk loads: true
Africa/Asmera CLDR: same IANA: Africa/Asmara loads: true
Europe/Kyiv CLDR: Europe/Kiev IANA: same loads: true
Asia/Ho_Chi_Minh CLDR: Asia/Saigon IANA: same loads: true
Etc/Unknown CLDR: same IANA: undefined loads: false'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
