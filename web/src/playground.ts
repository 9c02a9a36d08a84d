// The playground's requests: the same message in the format of every endpoint.
import type { Channel, Template } from "@sendoff/client";
import { type FilledPart, hasMedia, showTemplate } from "./content";

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

/** What is chosen; channels are all of the account, for formats that the chosen one can't send. */
export interface Choice {
  template?: Template;
  channel?: Channel;
  channels: Channel[];
  to: string;
  account: string;
}

const samples: Record<string, string> = {
  customer_name: "Ada",
  name: "Ada",
  order_id: "A-17",
  total: "9.90",
  code: "123456",
  date: "Monday",
};
const picture = "https://www.example.com/picture.jpg";

/** The template's variables with sample values, in their order. */
function valuesOf(t?: Template): [string, string][] {
  return (t?.variables ?? []).map((name, i) => [name, samples[name] ?? (/^\d+$/.test(name) ? `value ${i + 1}` : name)]);
}

/** The values under the names of the template's placeholders: {"1": "Ada"} or {"name": "Ada"}. */
function byPlaceholder(t?: Template): Record<string, string> {
  return Object.fromEntries(valuesOf(t).map(([name, value], i) => [t?.parameter_format === "named" ? name : String(i + 1), value]));
}

/** The template's parameters in Meta's form. */
function componentsOf(t?: Template): FilledPart[] {
  const values = Object.fromEntries(valuesOf(t));
  const text = (name: string) => ({ type: "text", text: values[name] ?? "" });
  const out: FilledPart[] = [];
  for (const part of t?.components ?? []) {
    const kind = part.type?.toLowerCase();
    const format = part.format?.toLowerCase() ?? "text";
    if (kind === "header" && format !== "text") out.push({ type: "header", parameters: [{ type: format, [format]: { link: picture } }] });
    else if ((kind === "header" || kind === "body") && part.variables?.length)
      out.push({ type: kind, parameters: part.variables.map(text) });
    else if (kind === "buttons") {
      part.buttons?.forEach((b, i) => {
        if (b.url?.includes("{{"))
          out.push({ type: "button", sub_type: "url", index: String(i), parameters: [text(t?.variables?.[0] ?? "")] });
      });
    }
  }
  return out;
}

/** The message as plain text, for channels and formats without templates. */
function plain(t?: Template): string {
  if (!t) return "Hello from Sendoff";
  return showTemplate(t.components ?? [], componentsOf(t)).body ?? "Hello from Sendoff";
}

/** Reports whether a channel can send a template: a vendor that keeps its own sends those, all others the common ones. */
function carries(c: Channel, t?: Template): boolean {
  if (c.kind !== "whatsapp") return false;
  if (!t) return true;
  return t.provider ? t.provider === c.provider : c.provider === "meta" || c.provider === "kaleyra";
}

const order = (m: Choice) => [m.channel, ...m.channels].filter((c) => !!c);

/** The chosen channel, or the first that can send the template. */
function whatsapp(m: Choice): Channel | undefined {
  return order(m).find((c) => carries(c, m.template)) ?? m.channel;
}

/** The chosen channel if it is one of these vendors', else their first that can send the template, else for SMS. */
function ofVendor(m: Choice, ...vendors: string[]): Channel | undefined {
  const theirs = order(m).filter((c) => vendors.includes(c.provider ?? ""));
  if (theirs[0] && theirs[0] === m.channel) return theirs[0];
  return (m.template?.provider && theirs.find((c) => carries(c, m.template))) || theirs.find((c) => c.kind === "sms") || theirs[0];
}

const digitsOf = (s = "") => s.replace(/\D/g, "");

/** The path of an endpoint with the account, the sender and so on in place of its parameters. */
export function pathFor(route: Endpoint, m: Choice): string {
  const c = route.format === "meta" ? ofVendorOf(m, "meta") : whatsapp(m);
  const fill: Record<string, string> = {
    sid: m.account,
    account: `${m.account}.json`,
    phone: digitsOf(c?.sender),
    version: "v25.0",
    phone_number_id: c?.settings?.phone_number_id ?? digitsOf(c?.sender),
  };
  return (route.path ?? "").replace(/:([a-z_]+)/gi, (whole, name: string) => fill[name] ?? whole);
}

const ofVendorOf = (m: Choice, vendor: string) => order(m).find((c) => c.provider === vendor && carries(c, m.template)) ?? whatsapp(m);

const bodies: Record<string, (m: Choice) => unknown> = {
  native(m) {
    const t = m.template;
    const to = { channel: String((m.channel?.kind === "sms" ? m.channel : whatsapp(m))?.id ?? ""), to: m.to };
    if (!t || m.channel?.kind === "sms") return { ...to, type: "text", text: { body: plain(t) } };
    const variables = valuesOf(t).map(([, v]) => v);
    const media = hasMedia(t) ? { header_media_url: picture } : {};
    return { ...to, type: "template", template: { name: t.name, language: t.language, variables, ...media } };
  },
  socialone(m) {
    const digits = digitsOf(m.to);
    return {
      country_code: digits.slice(0, Math.max(1, digits.length - 10)),
      phone_number: digits.slice(Math.max(1, digits.length - 10)),
      template_id: m.template?.id,
      social_account_id: whatsapp(m)?.id,
      variables: valuesOf(m.template).map(([, v]) => v),
      ...(hasMedia(m.template) ? { media_file: { url: picture } } : {}),
    };
  },
  external: (m) => ({
    to: m.to,
    template_name: m.template?.name,
    language: m.template?.language,
    variables: Object.fromEntries(valuesOf(m.template)),
  }),
  aisoule: (m) => ({
    to: m.to,
    type: "template",
    whatsapp_account: String(whatsapp(m)?.id ?? ""),
    template: { name: m.template?.name, language: m.template?.language, components: componentsOf(m.template) },
  }),
  sociocs(m) {
    const c = ofVendor(m, "twilio", "gupshup");
    const own = c && c.kind === "whatsapp" && m.template?.provider === c.provider ? m.template : undefined;
    const provider = c?.provider === "gupshup" ? "gswa" : c?.kind === "whatsapp" ? "twlowa" : "twlo";
    const values = byPlaceholder(own);
    const to = { provider, channel_key: c?.key, to: m.to };
    if (!own) return { ...to, text: plain(m.template) };
    return { ...to, template: { id: own.provider_template_id, variables: provider === "gswa" ? { Body: values } : values } };
  },
  kaleyra: (m) => ({ messaging_object: inMetasForm(m, m.to) }),
  meta: (m) => inMetasForm(m, digitsOf(m.to)),
  twilio(m) {
    const c = ofVendor(m, "twilio");
    const prefix = c?.kind === "whatsapp" ? "whatsapp:" : "";
    const to = { To: prefix + m.to, From: prefix + (c?.sender ?? "") };
    if (c?.kind !== "whatsapp" || m.template?.provider !== "twilio") return { ...to, Body: plain(m.template) };
    return { ...to, ContentSid: m.template.provider_template_id, ContentVariables: JSON.stringify(byPlaceholder(m.template)) };
  },
};

function inMetasForm(m: Choice, to: string) {
  const template = { name: m.template?.name, language: { code: m.template?.language }, components: componentsOf(m.template) };
  return { messaging_product: "whatsapp", recipient_type: "individual", to, type: "template", template };
}

/** The JSON of a message in the format of an endpoint; of a form, its fields. */
export function bodyFor(route: Endpoint, m: Choice): string {
  if (route.method === "GET") return "";
  const make = bodies[route.format ?? ""];
  return make ? JSON.stringify(make(m), null, 2) : (route.example ?? "");
}

/** Finds the recipient in the body of a request of any format. */
export function recipientOf(body: string): string | undefined {
  try {
    const b = JSON.parse(body);
    const m = b.messaging_object ?? b;
    if (m.country_code && m.phone_number) return `+${digitsOf(String(m.country_code))}${digitsOf(String(m.phone_number))}`;
    const to = m.to ?? m.To;
    return typeof to === "string" ? to.replace(/^whatsapp:/, "") : undefined;
  } catch {
    return undefined;
  }
}
