// Compresses what vite built, and fails if the first load has grown too large.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../dist/app/", import.meta.url).pathname;
const limit = 190 * 1024; // gzip -9, of the scripts that the first page loads

for (const name of readdirSync(dist, { recursive: true })) {
  const file = join(dist, name);
  if (!statSync(file).isFile() || !/\.(js|css|html|svg)$/.test(name)) continue;
  const content = readFileSync(file);
  writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

const index = readFileSync(join(dist, "index.html"), "utf8");
const scripts = [...index.matchAll(/(?:src|href)="\/([^"]+\.js)"/g)].map((m) => m[1]);
const size = scripts.reduce((sum, name) => sum + statSync(join(dist, `${name}.gz`)).size, 0);
console.log(`first load: ${(size / 1024).toFixed(1)} KB of JavaScript (gzip), ${scripts.length} files`);
if (scripts.length === 0 || size > limit) {
  console.error(`the first load may have ${limit / 1024} KB`);
  process.exit(1);
}
