import { codeFor } from "../code";
import type { FilledPart, Parameter } from "../content";
import { Copy, Json, Panel } from "../ui";
import { again, type MessageView } from "./message";

const quoted = (s: string) => (/^[\w@%+=:,./-]+$/.test(s) ? s : `'${s.replaceAll("'", `'\\''`)}'`);

/** The flags of sendoff send for the values of a template; none if it has values that no flag takes. */
function flagsOf(parts: FilledPart[]): string[] | undefined {
  const flags: string[] = [];
  for (const part of parts) {
    const all: Parameter[] = part.parameters ?? [];
    const link = part.type === "header" ? (all[0]?.[all[0]?.type ?? ""] as { link?: string } | undefined)?.link : undefined;
    if (link) flags.push("--header-media-url", link);
    else if (part.type === "body" && all.every((p) => typeof p.text === "string"))
      flags.push(...all.flatMap((p, i) => ["--var", `${p.parameter_name ?? i + 1}=${p.text}`]));
    else return undefined;
  }
  return flags;
}

/** The line of the command that sends a message again, where it can. */
function commandOf(m: MessageView): string | undefined {
  const { text, template } = (m.content ?? {}) as {
    text?: { body?: string };
    template?: { name?: string; language?: string | { code?: string }; components?: FilledPart[] };
  };
  const to = m.to ?? m.user_id;
  if (!to) return undefined;
  const words = ["sendoff", "send", "--channel", String(m.channel_id), "--to", to];
  if (m.type === "text" && text?.body) return [...words, "--text", text.body].map(quoted).join(" ");
  const flags = m.type === "template" && template?.name ? flagsOf(template.components ?? []) : undefined;
  if (!flags || !template?.name) return undefined;
  const language = typeof template.language === "string" ? template.language : template.language?.code;
  return [...words, "--template", template.name, ...(language ? ["--language", language] : []), ...flags].map(quoted).join(" ");
}

const authorised = { method: "POST", header: "Authorization", header_prefix: "Bearer " };

/** What this page shows and does, from a shell. */
export function FromShell({ m }: { m: MessageView }) {
  const path = "/v1/messages";
  const send = codeFor(authorised, path, JSON.stringify(JSON.parse(again(m)), null, 2), location.origin).curl;
  const look = codeFor({ ...authorised, method: "GET" }, `${path}/${m.message_id}`, "", location.origin).curl;
  const command = commandOf(m);
  return (
    <Panel title="The same from a shell">
      <div className="stack tight">
        <h3>Look at it</h3>
        <Json value={`${look}\n\nsendoff status ${m.message_id}`} label="curl and sendoff to look at it" />
        <div className="row">
          <Copy text={look} label="Copy curl" />
        </div>
        <h3>Send it again</h3>
        <Json value={command ? `${send}\n\n${command}` : send} label="curl and sendoff to send it again" />
        <div className="row">
          <Copy text={send} label="Copy curl to send" />
          {command && <Copy text={command} label="Copy sendoff line" />}
        </div>
      </div>
    </Panel>
  );
}
