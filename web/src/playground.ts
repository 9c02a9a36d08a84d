// What the playground makes: bodies in every format, and code that sends them.
export interface Endpoint {
  format?: string;
  method?: string;
  path?: string;
  header?: string;
  header_prefix?: string;
  form?: boolean;
  sends?: boolean;
  example?: string;
  example_path?: string;
}

interface Made {
  route: Endpoint;
  template?: { id?: number; name?: string; language?: string; variables?: string[] };
  channel?: { id?: number; key?: string; provider?: string; kind?: string; sender?: string; settings?: Record<string, string> };
  to: string;
  account: string;
}

const sample: Record<string, string> = { customer_name: "Ada", order_id: "A-17", total: "9.90" };

function values(m: Made): [string, string][] {
  return (m.template?.variables ?? []).map((name) => [name, sample[name] ?? (/^\d+$/.test(name) ? `value ${name}` : name)]);
}

/** The path of an endpoint with the account, channel and so on in place of its parameters. */
export function pathFor(m: Made): string {
  const sender = (m.channel?.sender ?? "").replace(/\D/g, "");
  const fill: Record<string, string> = {
    sid: m.account,
    phone: sender,
    version: "v25.0",
    phone_number_id: m.channel?.settings?.phone_number_id ?? sender,
  };
  return (m.route.path ?? "").replace(/:([a-z_]+)/gi, (whole, name: string) => fill[name] ?? whole);
}

/** The JSON of a message in the format of an endpoint. */
export function bodyFor(m: Made): string {
  if (m.route.method === "GET") return "";
  const vars = values(m);
  const digits = m.to.replace(/\D/g, "");
  const language = { code: m.template?.language };
  const components = vars.length ? [{ type: "body", parameters: vars.map(([, text]) => ({ type: "text", text })) }] : [];
  const sms = m.channel?.kind === "sms" || !m.template;
  const text = "Hello from Sendoff";
  const bodies: Record<string, () => unknown> = {
    native: () =>
      sms
        ? { channel: String(m.channel?.id ?? ""), to: m.to, type: "text", text: { body: text } }
        : {
            channel: String(m.channel?.id ?? ""),
            to: m.to,
            type: "template",
            template: { name: m.template?.name, language: m.template?.language, variables: vars.map(([, v]) => v) },
          },
    socialone: () => ({
      country_code: digits.slice(0, digits.length - 10),
      phone_number: digits.slice(-10),
      template_id: m.template?.id,
      social_account_id: m.channel?.id,
      variables: vars.map(([, v]) => v),
    }),
    external: () => ({ to: m.to, template_name: m.template?.name, language: m.template?.language, variables: Object.fromEntries(vars) }),
    aisoule: () => ({
      to: m.to,
      type: "template",
      whatsapp_account: String(m.channel?.id ?? ""),
      template: { name: m.template?.name, language: m.template?.language, components },
    }),
    kaleyra: () => ({ to: digits, type: "template", template: { name: m.template?.name, language, components } }),
    metaapi: () => ({
      messaging_product: "whatsapp",
      to: digits,
      type: "template",
      template: { name: m.template?.name, language, components },
    }),
  };
  const format = m.route.format ?? "";
  const make = bodies[format] ?? bodies[format.replace("api", "") === "meta" ? "metaapi" : ""];
  if (make) return JSON.stringify(make(), null, 2);
  try {
    return JSON.stringify(
      { ...JSON.parse(m.route.example ?? "{}"), ...(m.route.form ? { To: m.to, From: m.channel?.sender } : {}) },
      null,
      2,
    );
  } catch {
    return m.route.example ?? "";
  }
}

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
