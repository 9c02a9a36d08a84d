// What a recipient sees of a message, as data: pages render it in a bubble.
export interface TemplatePart {
  type?: string;
  format?: string;
  text?: string;
  buttons?: { type?: string; text?: string; url?: string; phone_number?: string }[];
  variables?: string[];
}

export interface Parameter {
  type?: string;
  text?: string;
  parameter_name?: string;
  [media: string]: unknown;
}

export interface FilledPart {
  type?: string;
  sub_type?: string;
  index?: string | number;
  parameters?: Parameter[];
}

/** What a bubble shows; every field is text of others. */
export interface Shown {
  media?: { kind: string; address?: string };
  header?: string;
  body?: string;
  footer?: string;
  buttons?: string[];
}

type Fields = Record<string, unknown>;
const fields = (v: unknown): Fields => (v && typeof v === "object" ? (v as Fields) : {});
const text = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : undefined);

/** Returns the text of a template's parameter. */
function valueOfParameter(p: Parameter): string | undefined {
  return text(p.text) ?? text(fields(p[p.type ?? ""]).fallback_value) ?? text(p.payload) ?? text(p.coupon_code);
}

/** Replaces the placeholders {{1}} or {{name}} of a template's text by values. */
export function fill(pattern: string, values: Parameter[], names: string[] = []): string {
  return pattern.replace(/\{\{\s*([^{}]+?)\s*\}\}/g, (whole, name: string) => {
    const at = /^\d+$/.test(name) ? Number(name) - 1 : names.indexOf(name);
    const p = values.find((v) => v.parameter_name === name) ?? values[at];
    return (p && valueOfParameter(p)) ?? whole;
  });
}

/** Reports whether a template's header is a file, which each of its messages names. */
export function hasMedia(t?: { components?: TemplatePart[] }): boolean {
  return !!t?.components?.some((c) => c.type === "HEADER" && c.format && c.format !== "TEXT");
}

function mediaOf(kind: string, v: unknown): Shown["media"] {
  const m = fields(v);
  return { kind: kind.toLowerCase(), address: text(m.filename) ?? text(m.link) ?? text(m.id) };
}

/** Returns a template as a message with these components shows it. */
export function showTemplate(parts: TemplatePart[], filled: FilledPart[]): Shown {
  const out: Shown = {};
  const given = (kind: string) => filled.find((f) => f.type?.toLowerCase() === kind)?.parameters ?? [];
  for (const part of parts) {
    const kind = part.type?.toLowerCase() ?? "";
    const done = fill(part.text ?? "", given(kind), part.variables);
    if (kind === "header" && part.format && part.format.toUpperCase() !== "TEXT") {
      const p = given("header")[0];
      out.media = mediaOf(part.format, p?.[p.type ?? ""]);
    } else if (kind === "header") out.header = done;
    else if (kind === "body") out.body = done;
    else if (kind === "footer") out.footer = done;
    else if (kind === "buttons") out.buttons = (part.buttons ?? []).map((b) => b.text ?? b.type ?? "");
  }
  return out;
}

const media = ["image", "video", "audio", "document", "sticker"];

/** Returns a message's content as its recipient sees it; of a template only the values. */
export function showContent(type: string, content: unknown): Shown {
  const whole = fields(content);
  const part = fields(whole[type] ?? whole);
  if (type === "text") return { body: text(part.body) };
  if (media.includes(type)) return { media: mediaOf(type, part), body: text(part.caption) };
  if (type === "reaction") return { body: text(part.emoji) };
  if (type === "location") {
    return {
      media: { kind: "location" },
      body: [part.name, part.address, `${part.latitude}, ${part.longitude}`].filter(Boolean).join("\n"),
    };
  }
  if (type === "interactive") {
    const action = fields(part.action);
    const buttons = Array.isArray(action.buttons) ? action.buttons.map((b) => text(fields(fields(b).reply).title) ?? "") : [];
    return {
      header: text(fields(part.header).text),
      body: text(fields(part.body).text),
      footer: text(fields(part.footer).text),
      buttons: text(action.button) ? [action.button as string] : buttons,
    };
  }
  if (type === "template") {
    const filled = Array.isArray(part.components) ? (part.components as FilledPart[]) : [];
    return {
      body: filled
        .flatMap((f) => f.parameters ?? [])
        .map(valueOfParameter)
        .filter(Boolean)
        .join("\n"),
    };
  }
  return { body: JSON.stringify(part, null, 2) };
}
