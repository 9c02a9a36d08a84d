#!/usr/bin/env bash
# Packages: npm i18next 25.6.0, intl-messageformat 10.7.18, github.com/nicksnyder/go-i18n/v2 v2.6.0.
#
# Guess: French and Spanish have two forms, "one" and "other", so a text with these two is whole for every count. Where a
# form were missing, "other" would be taken, as ICU's messages do.
#
# So it is not: in newer CLDR data both languages (and Italian, Portuguese, Catalan) have a third form, "many", for
# 1,000,000 and 2,000,000, but not for 999,999 or 1,000,001. i18next then shows the KEY of the text; go-i18n returns the
# right text and an error together (its MustLocalize panics on that). intl-messageformat takes "other".
#
# Why it matters: no test with 0, 1, 2 and 1000 finds it, and a counter of sent messages passes a million just once.
# Give such languages the form "many", and test with 1000000.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E i18next@25.6.0 intl-messageformat@10.7.18
cat >main.mjs <<'JS'
import i18next from "i18next";
import { IntlMessageFormat } from "intl-messageformat";
for (const lng of ["fr", "es", "de"]) {
  const translation = { sent_one: "{{count}} SMS", sent_other: "{{count}} SMSs" };
  await i18next.init({ lng, resources: { [lng]: { translation } }, showSupportNotice: false });
  const message = new IntlMessageFormat("{n, plural, one {one} other {other}}", lng);
  for (const n of [1, 2, 999_999, 1_000_000])
    console.log(lng, n, "i18next:", i18next.t("sent", { count: n }), "ICU:", message.format({ n }));
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/nicksnyder/go-i18n/v2@v2.6.0 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

func main() {
	bundle := i18n.NewBundle(language.French)
	_ = bundle.AddMessages(language.French, &i18n.Message{ID: "sent", One: "{{.PluralCount}} SMS", Other: "{{.PluralCount}} SMSs"})
	for _, n := range []int{1, 2, 999_999, 1_000_000} {
		text, err := i18n.NewLocalizer(bundle, "fr").Localize(&i18n.LocalizeConfig{MessageID: "sent", PluralCount: n})
		fmt.Println("fr", n, "go-i18n:", text, err)
	}
}
GO
got=$(node main.mjs && go run .)
want='fr 1 i18next: 1 SMS ICU: one
fr 2 i18next: 2 SMSs ICU: other
fr 999999 i18next: 999999 SMSs ICU: other
fr 1000000 i18next: sent ICU: other
es 1 i18next: 1 SMS ICU: one
es 2 i18next: 2 SMSs ICU: other
es 999999 i18next: 999999 SMSs ICU: other
es 1000000 i18next: sent ICU: other
de 1 i18next: 1 SMS ICU: one
de 2 i18next: 2 SMSs ICU: other
de 999999 i18next: 999999 SMSs ICU: other
de 1000000 i18next: 1000000 SMSs ICU: other
fr 1 go-i18n: 1 SMS <nil>
fr 2 go-i18n: 2 SMSs <nil>
fr 999999 go-i18n: 999999 SMSs <nil>
fr 1000000 go-i18n: 1000000 SMSs message "sent" has no plural form "many"'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
