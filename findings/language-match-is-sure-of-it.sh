#!/usr/bin/env bash
# Packages: golang.org/x/text v0.43.0, npm @formatjs/intl-localematcher 0.10.1.
#
# Guess: a matcher that shall choose among texts in English and Russian takes the first one, its default, for a Bengali,
# Kazakh or Ukrainian reader, and says that nothing matched ("No"), or that it is unsure ("Low").
#
# So it is not: CLDR's table also says who is likely to understand which other language. Go takes English for Bengali and
# Swahili and Russian for Kazakh and Armenian with confidence "High", the same as for en-AU. Write the English text down
# as en-US, and Bengali is "Low", but Swahili stays "High". And where nothing matches ("No"), it is not always the
# default: Go takes a text in the same script first, so Ukrainian and Bulgarian get Russian. The JavaScript matcher reads
# the same kind of table, has no confidence, and takes its default for the two.
#
# Why it matters: who picks a contact's template language with a matcher sends some of them one that they never chose,
# and neither a threshold of the confidence nor the order of the texts keeps it out. Compare the base languages after the
# match, or choose by a list.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
go mod init finding >/dev/null 2>&1
go get golang.org/x/text@v0.43.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/text/language"
)

func main() {
	for _, list := range os.Args[2:] {
		var texts []language.Tag
		for _, t := range strings.Split(list, ",") {
			texts = append(texts, language.MustParse(t))
		}
		m := language.NewMatcher(texts)
		fmt.Print("go ", list, ":")
		for _, reader := range strings.Split(os.Args[1], ",") {
			_, i, c := m.Match(language.MustParse(reader))
			fmt.Printf(" %s=%s/%s", reader, texts[i], c)
		}
		fmt.Println()
	}
}
GO
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E @formatjs/intl-localematcher@0.10.1
cat >main.mjs <<'JS'
import { match } from "@formatjs/intl-localematcher";
const [readers, ...lists] = process.argv.slice(2);
for (const list of lists) {
  const chosen = readers.split(",").map((r) => `${r}=${match([r], list.split(","), "zxx").replace("zxx", "none")}`);
  console.log(`js ${list}: ${chosen.join(" ")}`);
}
JS
readers=en-AU,bn,sw,kk,hy,uk,bg,de
got=$(go run . $readers en,ru en-US,ru && node main.mjs $readers en,ru en-US,ru)
want='go en,ru: en-AU=en/High bn=en/High sw=en/High kk=ru/High hy=ru/High uk=ru/No bg=ru/No de=en/No
go en-US,ru: en-AU=en-US/High bn=en-US/Low sw=en-US/High kk=ru/High hy=ru/High uk=ru/No bg=ru/No de=en-US/No
js en,ru: en-AU=en bn=en sw=en kk=ru hy=ru uk=none bg=none de=none
js en-US,ru: en-AU=en-US bn=en-US sw=en-US kk=ru hy=ru uk=none bg=none de=none'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
