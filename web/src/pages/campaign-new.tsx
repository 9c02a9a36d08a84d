import {
  type Campaign,
  type CampaignDefinition,
  getCampaignsId,
  getContacts,
  type Import,
  patchCampaignsId,
  postCampaigns,
  type Template,
} from "@sendoff/client";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useRef, useState } from "react";
import { useChannels, useLists } from "../all";
import { client, queries, useGet } from "../api";
import { Bubble } from "../bubble";
import { hasMedia, showTemplate } from "../content";
import { Importer } from "../importer";
import { merge, missing, propose, type Row } from "../merge";
import { useUrl } from "../search";
import { useTemplate } from "../template-choice";
import { Field, Form, Loading, Page, Panel, Pending } from "../ui";
import { number } from "../words";
import { Limits, timing, When } from "./campaign-limits";

/** The wizard: audience, message, time and limits on one page, in any order; ?edit= names a draft to change. */
export function NewCampaign() {
  const [url] = useUrl();
  const id = Number(url.edit) || undefined;
  const draft = useGet(["campaign", id, "edit"], () => getCampaignsId({ client, path: { id: id! } }), { enabled: !!id });
  if (id && !draft.data) {
    return <Pending title="Edit campaign" query={draft} />;
  }
  return <Wizard key={id} draft={id ? draft.data : undefined} />;
}

const today = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long" }).format(new Date());

/** What the preview depends on; the form holds the rest. */
interface Choice {
  channel?: number;
  list?: number;
  imported?: Import;
  text: string;
  values: Record<string, string>;
}

function chosenBy(c: Campaign | undefined): Choice {
  const variables = c?.template?.variables;
  return {
    channel: Number(c?.channel) || undefined,
    list: c ? (c.audience?.lists?.[0] ?? 0) : undefined,
    text: c?.text?.body ?? "Hello {{name}}",
    values: Array.isArray(variables) ? {} : Object.fromEntries(Object.entries(variables ?? {}).map(([k, v]) => [k, String(v)])),
  };
}

/** The audience that is chosen; that of a draft may hold more than this page shows, and stays as long as nothing else is chosen. */
function audienceOf(chosen: Choice, list: number, draft?: Campaign): CampaignDefinition["audience"] {
  if (draft && !chosen.imported && list === (draft.audience?.lists?.[0] ?? 0)) return draft.audience;
  return { ...(list ? { lists: [list] } : {}), ...(chosen.imported ? { import: chosen.imported.id } : {}) };
}

function Wizard({ draft }: { draft?: Campaign }) {
  const navigate = useNavigate();
  const channels = useChannels();
  const lists = useLists();
  const [chosen, setChosen] = useState(() => chosenBy(draft));
  const choose = (change: Partial<Choice>) => setChosen({ ...chosen, ...change });

  const allChannels = (channels.data?.data ?? []).filter((c) => c.enabled);
  const channel = allChannels.find((c) => c.id === chosen.channel) ?? allChannels.find((c) => c.default) ?? allChannels[0];
  const sms = channel?.kind === "sms";
  const templates = useTemplate({ provider: channel?.provider, named: draft?.template, changed: () => choose({ values: {} }) });
  const template = sms ? undefined : templates.template;
  const allLists = lists.data?.data ?? [];
  // A file takes the place of the list that is proposed.
  const list = chosen.list ?? (chosen.imported ? 0 : (allLists[0]?.id ?? 0));
  const rows = useRows(list, chosen.imported);
  const names = [...new Set(rows.flatMap((r) => Object.keys(r)))];
  const placeholderOf = (variable: string) => chosen.values[variable] ?? propose(variable, names);

  // The page comes whole, and stays while a choice reads more.
  const whole = useRef(false);
  whole.current ||= channels.isFetched && lists.isFetched && (sms || templates.ready);

  const save = async (v: Record<string, string>) => {
    const body: CampaignDefinition = {
      name: v.name,
      channel: channel?.id,
      ...(template
        ? {
            type: "template",
            template: {
              name: template.name,
              language: template.language,
              variables: Object.fromEntries((template.variables ?? []).map((x) => [x, placeholderOf(x)])),
              ...(v.header ? { header_media_url: v.header } : {}),
            },
          }
        : { type: "text", text: { body: chosen.text } }),
      audience: audienceOf(chosen, list, draft),
      ...timing(v, draft),
    };
    const { data } = draft ? await patchCampaignsId({ client, path: { id: draft.id! }, body }) : await postCampaigns({ client, body });
    queries.invalidateQueries({ queryKey: ["campaign"] });
    navigate({ to: "/campaigns/$id", params: { id: String(data.id) } });
  };
  if (!whole.current) {
    return (
      <Page title={draft ? "Edit campaign" : "New campaign"}>
        <Loading />
      </Page>
    );
  }
  return (
    <Page title={draft ? "Edit campaign" : "New campaign"}>
      <div className="wizard">
        <Form label={draft ? "Save changes" : "Save draft"} submit={save} disabled={!sms && !templates.ready} wide>
          {channels.data && allChannels.length === 0 && (
            <p className="note warn">
              A campaign needs a channel to send from. <Link to="/channels">Create one</Link> first.
            </p>
          )}
          <Panel title="Campaign">
            <div className="fields2">
              <Field label="Name">
                <input name="name" required maxLength={200} defaultValue={draft?.name ?? `Campaign of ${today}`} />
              </Field>
              <Field label="Channel">
                <select value={channel?.id ?? 0} onChange={(e) => choose({ channel: Number(e.target.value) })}>
                  {allChannels.map((c) => (
                    <option key={c.id} value={c.id}>
                      {c.name}
                    </option>
                  ))}
                </select>
              </Field>
            </div>
          </Panel>
          <Panel title="Audience">
            <div className="stack">
              <Field label="List">
                <select value={list} onChange={(e) => choose({ list: Number(e.target.value) })}>
                  <option value={0}>No list</option>
                  {allLists.map((l) => (
                    <option key={l.id} value={l.id}>
                      {l.name} ({number(l.count ?? 0)}
                      {l.count_more ? "+" : ""} contacts)
                    </option>
                  ))}
                </select>
              </Field>
              {chosen.imported ? (
                <p className="note good" role="status">
                  {number(chosen.imported.created ?? 0)} rows of the file are the audience.{" "}
                  <button type="button" className="btn small" onClick={() => choose({ imported: undefined })}>
                    Choose another file
                  </button>
                </p>
              ) : (
                <Importer query={{ kind: "audience" }} use="Use as audience" done={(imported) => choose({ imported, list: 0 })} />
              )}
            </div>
          </Panel>
          <Panel title="Message">
            <div className="stack">
              {sms ? (
                <Field label="Text" hint="{{field}} takes the recipient's field, {{field|text}} the text where it is empty.">
                  <textarea rows={4} value={chosen.text} required onChange={(e) => choose({ text: e.target.value })} />
                </Field>
              ) : (
                <Variables
                  template={template}
                  templates={templates}
                  names={names}
                  value={placeholderOf}
                  choose={choose}
                  values={chosen.values}
                  draft={draft}
                />
              )}
            </div>
          </Panel>
          <When draft={draft} />
          <Limits draft={draft} />
        </Form>
        <Preview rows={rows} template={template} text={sms ? chosen.text : undefined} value={placeholderOf} />
      </div>
    </Page>
  );
}

/** Rows for the preview: the first contacts of the list, or the sample of the file. */
function useRows(list: number, imported?: Import): Row[] {
  const contacts = useGet(["contacts", "of", list], () => getContacts({ client, query: { list, limit: 50 } }), { enabled: list > 0 });
  if (imported) {
    return [Object.fromEntries((imported.columns ?? []).map((c) => [c.field.replace(/^fields\./, ""), c.sample ?? ""]))];
  }
  if (!list) return [];
  return (contacts.data?.data ?? []).map((c) => ({
    phone: c.phone ?? "",
    name: c.name ?? "",
    ...Object.fromEntries(Object.entries(c.fields ?? {}).map(([k, v]) => [k, String(v)])),
  }));
}

function Variables(props: {
  template?: Template;
  templates: { ready: boolean; field: ReactNode };
  names: string[];
  values: Record<string, string>;
  draft?: Campaign;
  value: (variable: string) => string;
  choose: (change: Partial<Choice>) => void;
}) {
  const { template: t, templates, names, values, value, choose } = props;
  if (!t && !templates.ready) return <Loading />;
  if (!t)
    return (
      <p className="note warn">
        No approved template fits this channel. Choose another channel, or <Link to="/templates">get its templates</Link>.
      </p>
    );
  return (
    <>
      {templates.field}
      {hasMedia(t) && (
        <Field label="Address of the header's file">
          <input name="header" type="url" required defaultValue={props.draft?.template?.header_media_url} placeholder="https://" />
        </Field>
      )}
      {(t.variables ?? []).map((x) => (
        <Field key={x} label={`Value of ${x}`}>
          <input value={value(x)} required list="fields" onChange={(e) => choose({ values: { ...values, [x]: e.target.value } })} />
        </Field>
      ))}
      <p className="soft">
        {"{{field}} takes the recipient's field, {{field|text}} the text where it is empty."}
        {names.length > 0 && ` Fields: ${names.join(", ")}.`}
      </p>
      <datalist id="fields">
        {names.map((n) => (
          <option key={n} value={`{{${n}}}`} />
        ))}
      </datalist>
    </>
  );
}

/** The message as one of the rows makes it. */
function Preview(props: { rows: Row[]; template?: Template; text?: string; value: (variable: string) => string }) {
  const { rows, template: t, text, value } = props;
  const [at, setAt] = useState(0);
  const row = rows[Math.min(at, rows.length - 1)];
  const merged = (s: string) => (row ? merge(s, row) : s);
  const variables = t?.variables ?? [];
  const used = text ?? variables.map(value).join(" ");
  const lacks = row ? [...new Set(missing(used, row))] : [];
  const filled = (t?.components ?? []).map((c) => ({
    type: c.type,
    parameters: (c.variables ?? []).map((x) => ({ type: "text", text: merged(value(x)) })),
  }));
  return (
    <aside className="aside">
      <Panel title="Preview">
        <div className="stack">
          <Bubble shown={text === undefined ? showTemplate(t?.components ?? [], filled) : { body: merged(text) }} />
          {rows.length > 0 ? (
            <div className="row">
              <button type="button" className="btn small" disabled={at === 0} onClick={() => setAt(at - 1)}>
                Previous row
              </button>
              <span className="soft">
                Row {Math.min(at, rows.length - 1) + 1} of {rows.length}: <bdi>{row?.phone}</bdi>
              </span>
              <button type="button" className="btn small" disabled={at >= rows.length - 1} onClick={() => setAt(at + 1)}>
                Next row
              </button>
            </div>
          ) : (
            <p className="soft">Choose a list or a file to see the message of a row.</p>
          )}
          {lacks.length > 0 && (
            <p className="note warn">
              This row lacks {lacks.join(", ")}: it would be skipped. Give a default, as in {"{{name|there}}"}.
            </p>
          )}
        </div>
      </Panel>
    </aside>
  );
}
