#!/usr/bin/env bash
# Packages: npm file-type 22.3.0, mime-types 3.0.2; github.com/gabriel-vasile/mimetype v1.4.16 and Go's net/http.
#
# Guess: a voice note is recognised best by its first bytes, and libraries that do so agree on one of the types that
# WhatsApp takes for audio: audio/aac, audio/amr, audio/mp4, audio/mpeg, or audio/ogg with codecs=opus.
#
# So it is not: for what an iPhone records two of the three say audio/x-m4a, which is not in the list, and net/http says
# VIDEO; what Android records in the same container all three call video/mp4. The file's name alone gives audio/mp4. An
# Opus note is application/ogg for net/http, audio/ogg for one, "audio/ogg; codecs=opus" for the other, so a comparison
# with either spelling of the list fails for somebody.
#
# Why it matters: a check against the list refuses every note of one kind of phone, and a program that goes by the first
# half of the type sends them as videos. For the MP4 family ask the name, or look for a track of video, and compare types
# without their parameters.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
export GOFLAGS=-mod=mod GOWORK=off

npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent -E file-type@22.3.0 mime-types@3.0.2
cat >main.mjs <<'JS'
import fs from "node:fs";
import { fileTypeFromBuffer } from "file-type";
import mime from "mime-types";

const latin = (s) => Buffer.from(s, "latin1");
function box(type, body) {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(body.length + 8);
  return Buffer.concat([size, latin(type), body]);
}
// mp4 has the brands that the recorder writes, and room for the rest.
const mp4 = (major, brands) => Buffer.concat([box("ftyp", latin(`${major}\x00\x00\x00\x00${brands}`)), box("free", Buffer.alloc(600))]);
const page = Buffer.alloc(27);
page.write("OggS");
page[5] = 2; // the stream's first page
page[26] = 1; // of one segment
const opus = latin("OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00");
const files = {
  "iphone.m4a": mp4("M4A ", "M4A mp42isom"),
  "android.m4a": mp4("mp42", "isommp42"),
  "note.ogg": Buffer.concat([page, Buffer.from([opus.length]), opus, Buffer.alloc(200)]),
};
for (const [name, bytes] of Object.entries(files)) {
  fs.writeFileSync(name, bytes);
  console.log(name, "name", mime.lookup(name), "| file-type", (await fileTypeFromBuffer(bytes)).mime);
}
JS
go mod init finding >/dev/null 2>&1
go get github.com/gabriel-vasile/mimetype@v1.4.16 >/dev/null 2>&1
cat >main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/gabriel-vasile/mimetype"
)

func main() {
	for _, name := range []string{"iphone.m4a", "android.m4a", "note.ogg"} {
		b, _ := os.ReadFile(name)
		fmt.Println(name, "mimetype", mimetype.Detect(b), "| net/http", http.DetectContentType(b))
	}
}
GO
got=$(node main.mjs && go run .)
want='iphone.m4a name audio/mp4 | file-type audio/x-m4a
android.m4a name audio/mp4 | file-type video/mp4
note.ogg name audio/ogg | file-type audio/ogg; codecs=opus
iphone.m4a mimetype audio/x-m4a | net/http video/mp4
android.m4a mimetype video/mp4 | net/http video/mp4
note.ogg mimetype audio/ogg | net/http application/ogg'
echo "$got"
[ "$got" = "$want" ] || { echo "CHANGED; expected:"; echo "$want"; exit 1; }
