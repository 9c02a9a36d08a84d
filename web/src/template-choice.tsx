import { type CampaignTemplate, getTemplates, type Template } from "@sendoff/client";
import { type ReactNode, useState } from "react";
import { client, useGet } from "./api";
import { Field } from "./ui";

/** How many templates are offered at once; a search finds the others. */
const offers = 100;

/** Reads the approved templates that a search and a provider leave, page by page until there are enough of them. */
async function read(search: string, provider?: string) {
  const data: Template[] = [];
  let cursor: string | undefined;
  do {
    const page = (await getTemplates({ client, query: { limit: offers, status: "approved", search: search || undefined, cursor } })).data;
    data.push(...(page.data ?? []).filter((t) => !t.provider || !provider || t.provider === provider));
    cursor = page.next_cursor;
  } while (cursor && data.length < offers);
  return { data: { data, more: !!cursor } };
}

interface Chosen {
  template?: Template;
  /** Reports whether the templates have been read. */
  ready: boolean;
  field: ReactNode;
}

/** A template that is chosen among those of a provider: at first the named one, whatever its status, else the demo's or the first. */
export function useTemplate(options: { provider?: string; named?: CampaignTemplate; changed?: (t: Template) => void }): Chosen {
  const { provider, named, changed } = options;
  const [search, find] = useState("");
  const [kept, keep] = useState<Template>();
  const list = useGet(["templates", "choice", search, provider], () => read(search, provider));
  const own = useGet(["templates", "named", named?.name], () => getTemplates({ client, query: { limit: 1000, search: named?.name } }), {
    enabled: !!named?.name,
  });
  const fits = (t?: Template) => t && (!t.provider || !provider || t.provider === provider);
  const all = list.data?.data ?? [];
  const language = typeof named?.language === "object" ? named.language.code : named?.language;
  const original = own.data?.data?.find((t) => t.name === named?.name && t.language === language);
  const template = [kept, original].find(fits) ?? all.find((t) => t.name === "order_confirmation") ?? all[0];
  const offered = template && !all.some((t) => t.id === template.id) ? [template, ...all] : all;
  return {
    template,
    ready: list.isFetched && (!named?.name || own.isFetched),
    field: (
      <>
        <Field label="Template">
          <select
            value={template?.id ?? 0}
            onChange={(e) => {
              const t = offered.find((x) => x.id === Number(e.target.value));
              keep(t);
              if (t) changed?.(t);
            }}
          >
            {offered.map((x) => (
              <option key={x.id} value={x.id}>
                {x.name} ({x.language})
              </option>
            ))}
          </select>
        </Field>
        {(list.data?.more || search) && (
          <Field label="Find a template" hint="By a part of its name or text. The list above shows the first that match.">
            <input value={search} onChange={(e) => find(e.target.value)} />
          </Field>
        )}
      </>
    ),
  };
}
