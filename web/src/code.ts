import type { Endpoint } from "./playground";

const quote = (s: string) => `'${s.replaceAll("'", `'\\''`)}'`;

/** Code that makes the request with the key of $SENDOFF_API_KEY. */
export function codeFor(route: Endpoint, path: string, body: string, origin: string) {
  const basic = route.header_prefix === "Basic ";
  const post = route.method === "POST";
  let sent = body;
  if (route.form) {
    try {
      sent = new URLSearchParams(JSON.parse(body)).toString();
    } catch {}
  }
  const type = route.form ? "application/x-www-form-urlencoded" : "application/json";
  const header = route.header ?? "Authorization";
  const auth = basic ? `-u "AC:$SENDOFF_API_KEY"` : `-H "${header}: ${route.header_prefix ?? ""}$SENDOFF_API_KEY"`;
  let mark = "EOF";
  while (sent.split("\n").includes(mark)) mark += "_";
  const curl = post
    ? `curl -sS -X POST ${quote(origin + path)} \\\n  ${auth} \\\n  -H 'Content-Type: ${type}' \\\n  --data-binary @- <<'${mark}'\n${sent}\n${mark}`
    : `curl -sS ${quote(origin + path)} \\\n  ${auth}`;
  const value = (key: string) => (basic ? `"Basic " + base64("AC:" + ${key})` : `"${route.header_prefix ?? ""}" + ${key}`);
  const url = JSON.stringify(origin + path);
  return {
    curl,
    go: `body := strings.NewReader(${post ? `\`${sent.replaceAll("`", '` + "`" + `')}\`` : '""'})
req, err := http.NewRequest("${route.method}", ${url}, body)
if err != nil {
	return err
}
req.Header.Set("${header}", ${basic ? '"Basic "+base64.StdEncoding.EncodeToString([]byte("AC:"+os.Getenv("SENDOFF_API_KEY")))' : `"${route.header_prefix ?? ""}"+os.Getenv("SENDOFF_API_KEY")`})
req.Header.Set("Content-Type", "${type}")
res, err := http.DefaultClient.Do(req)`,
    node: `const base64 = (s) => Buffer.from(s).toString("base64");
const res = await fetch(${url}, {
  method: "${route.method}",
  headers: { "${header}": ${value("process.env.SENDOFF_API_KEY")}, "Content-Type": "${type}" },${post ? `\n  body: ${JSON.stringify(sent)},` : ""}
});
console.log(res.status, await res.json());`,
    python: `import base64 as b64, os, requests

base64 = lambda s: b64.b64encode(s.encode()).decode()
res = requests.request("${route.method}", ${url},
    headers={"${header}": ${value('os.environ["SENDOFF_API_KEY"]')}, "Content-Type": "${type}"},${post ? `\n    data=${JSON.stringify(sent)}.encode(),` : ""}
    timeout=30)
print(res.status_code, res.json())`,
  };
}
