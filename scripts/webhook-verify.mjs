// A webhook receiver that verifies every delivery with the public npm package:
//   npm install standardwebhooks
//   node scripts/webhook-verify.mjs PORT SECRET
// It prints a line for each delivery; on SIGINT or SIGTERM, a summary as JSON.
import http from "node:http";
import { Webhook } from "standardwebhooks";

const [port, secret] = process.argv.slice(2);
const verifier = new Webhook(secret);
const ids = new Map();
let bad = 0;

http.createServer((req, res) => {
  const chunks = [];
  req.on("data", (c) => chunks.push(c));
  req.on("end", () => {
    try {
      const event = verifier.verify(Buffer.concat(chunks).toString(), req.headers);
      const id = req.headers["webhook-id"];
      ids.set(id, (ids.get(id) ?? 0) + 1);
      console.log(id, event.type, event.data.message_id ?? "", event.data.sequence ?? "");
      res.writeHead(204).end();
    } catch (e) {
      bad++;
      console.log("refused:", e.message);
      res.writeHead(401).end();
    }
  });
}).listen(Number(port), "127.0.0.1");

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    const repeated = [...ids.values()].filter((n) => n > 1).length;
    console.log(JSON.stringify({ ids: ids.size, repeated, refused: bad }));
    process.exit(bad ? 1 : 0);
  });
}
