// A campaign from a CSV file: upload, parsed table, mapping, preview, forecast,
// launch with the number typed, progress, report.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible, api, check, goto, shots, signedIn } from "./kit.mjs";

export async function run() {
  const page = await signedIn();
  const rows = Array.from({ length: 20 }, (_, i) => `+1555000${1300 + i};Ñandú ${i};B-${i};${i},50`);
  const file = join(tmpdir(), `sendoff-campaign-${process.pid}.csv`);
  writeFileSync(file, `Telefon;Vorname;Bestellung;Summe\n${rows.join("\n")}\nnobody;X;Y;Z\n`);
  await goto(page, "/campaigns/new", "New campaign");
  await page.getByLabel("Name", { exact: true }).fill("From a file");
  await page.getByLabel("File", { exact: true }).setInputFiles(file);
  await page.getByText("The file has 21 rows. Nothing is written yet.").waitFor();
  const columns = page.getByRole("region", { name: "Columns" });
  check("the parsed table shows a sample", await columns.getByText("Ñandú 0").isVisible());
  check("one row is bad", await page.getByRole("link", { name: "Bad rows as CSV" }).isVisible());
  await page.getByLabel("Field of the column Vorname").fill("name");
  await page.getByLabel("Field of the column Bestellung").fill("fields.order");
  await page.getByLabel("Field of the column Summe").fill("fields.total");
  await accessible(page, "the wizard");
  if (shots) await page.screenshot({ path: `${shots}/campaign-new.png`, fullPage: true });
  await page.getByRole("button", { name: "Use as audience" }).click();
  await page.getByText("20 rows of the file are the audience.").waitFor();
  await page.getByText("Hi Ñandú 0, your order B-0 is confirmed. Total: 0,50.").waitFor();
  check("the preview takes the mapped columns", true);
  await page.getByLabel("Value of total").fill("{{discount}}");
  await page.getByText("This row lacks discount").waitFor();
  await page.getByLabel("Value of total").fill("{{total|nothing}}");
  await page.getByRole("button", { name: "Save draft" }).click();

  await page.getByText("20 people would get a message").waitFor();
  check("the forecast shows them", (await page.getByRole("table", { name: "Recipients by hour" }).textContent()).includes("20"));
  await page.getByLabel("Row", { exact: true }).fill("3");
  await page.getByText("Hi Ñandú 2, your order B-2 is confirmed. Total: 2,50.").first().waitFor();
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByRole("heading", { level: 1, name: "Edit campaign" }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("From a file, renamed");
  await page.getByLabel("Messages a second").fill("50");
  await page.getByLabel("Quiet from").fill("03:00");
  await page.getByLabel("Quiet to").fill("03:01");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { level: 1, name: "From a file, renamed" }).waitFor();
  const id = page.url().match(/campaigns\/(\d+)/)[1];
  const { body: limited } = await api("GET", `/v1/campaigns/${id}`);
  check("limits are saved", limited.rate === 50 && limited.quiet_hours.from === "03:00", JSON.stringify(limited));
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  for (const name of ["Messages a second", "Quiet from", "Quiet to"]) await page.getByLabel(name).fill("");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { level: 1, name: "From a file, renamed" }).waitFor();
  const { body: free } = await api("GET", `/v1/campaigns/${id}`);
  check("what is emptied in the form is removed", !free.rate && !free.quiet_hours && free.audience.import > 0, JSON.stringify(free));

  await page.getByText("20 people would get a message").waitFor();
  await page.getByRole("button", { name: "Launch", exact: true }).click();
  const launch = page.getByRole("button", { name: "Launch now" });
  await page.getByLabel("Number of recipients").fill("21");
  check("another number does not launch", await launch.isDisabled());
  await page.getByLabel("Number of recipients").fill("20");
  await launch.click();
  await page.getByRole("region", { name: "Progress" }).getByText("finished", { exact: true }).waitFor();
  const recipients = page.getByRole("region", { name: "Recipients and their messages" });
  await recipients.getByRole("link", { name: "+15550001300" }).waitFor();
  const report = await page.request.get(await page.getByRole("link", { name: "Report as CSV" }).evaluate((a) => a.href));
  const lines = (await report.text()).trim().split("\n");
  const delivered = lines.slice(1).filter((line) => /\+1555\d+.*delivered/.test(line)).length;
  // a head, 20 recipients and the bad row
  check(
    "the report has a record for each row",
    report.ok() && lines.length === 22 && delivered === 20,
    `${lines.length} lines, ${delivered} delivered`,
  );
}
