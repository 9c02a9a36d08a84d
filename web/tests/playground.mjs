// The playground: a simulation in every format, curl as copied, a message sent on.
import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { accessible, api, check, dev, goto, signedIn } from "./kit.mjs";

export async function run() {
  const page = await signedIn();
  await goto(page, "/playground", "Playground");
  await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
  const endpoint = page.getByLabel("Endpoint");
  const response = page.getByRole("region", { name: "Response" });
  const { body: routes } = await api("GET", "/v1/playground");
  const sends = routes.data.filter((r) => r.sends);
  check("seven formats and our own send", new Set(sends.map((r) => r.format)).size === 8, sends.map((r) => r.format).join());
  for (const template of ["order_confirmation (en)", "auth1 (en_US)", "appointment_twilio (en)", "appointment_gupshup (en)"]) {
    await page.getByLabel("Template", { exact: true }).selectOption({ label: template });
    for (const r of sends) {
      // These have templates of WhatsApp alone, and take the account's default channel.
      if (/twilio|gupshup/.test(template) && !/^(native|sociocs|twilio)$/.test(r.format)) continue;
      await endpoint.selectOption(`${r.method} ${r.path}`);
      const answered = page.waitForResponse((a) => a.url().endsWith("/v1/playground") && a.request().method() === "POST");
      await page.getByRole("button", { name: "Run", exact: true }).click();
      const answer = await (await answered).json();
      check(`${r.format} simulates ${template}`, answer.status < 300 && answer.simulate, JSON.stringify(answer.body));
    }
  }
  await response.getByText("simulated").first().waitFor();
  await accessible(page, "an answer of the playground");
  await page.reload();
  await page.getByLabel("Request body").and(page.locator(":not(:empty)")).waitFor();
  check("simulate is the default after a reload", await page.getByLabel("Simulate only").isChecked());

  // What curl sends is what stands in the box, byte for byte.
  const hostile = JSON.stringify({ to: "+15550000100", type: "text", text: { body: `'"\`$(id) \\ & | EOF\nEOF\n€ 🎉 %s` } }, null, 2);
  await page.getByLabel("Request body").fill(`${hostile}\n`);
  const curl = await page.getByRole("region", { name: "Command line" }).textContent();
  const got = await received(curl);
  check("the copied curl sends the bytes of the box", got.trim() === hostile.trim(), `\n${got}\n${hostile}`);
  const ran = spawnSync("sh", ["-c", curl], { env: { ...process.env, SENDOFF_API_KEY: dev.api_key }, encoding: "utf8" });
  check("the copied curl sends a message", /"message_id"/.test(ran.stdout), ran.stdout + ran.stderr);
}

/** Runs a curl line in sh, and returns the body that it sends. */
async function received(curl) {
  let body = "";
  const server = createServer((request, answer) => {
    request.setEncoding("utf8");
    request.on("data", (d) => {
      body += d;
    });
    request.on("end", () => answer.end("{}"));
  });
  await new Promise((r) => server.listen(0, "127.0.0.1", r));
  const line = curl.replace(dev.base_url, `http://127.0.0.1:${server.address().port}`);
  const { spawn } = await import("node:child_process");
  await new Promise((r) => spawn("sh", ["-c", line], { env: { ...process.env, SENDOFF_API_KEY: "sk_x" } }).on("exit", r));
  server.close();
  return body;
}
