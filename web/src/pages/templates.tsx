import {
  deleteTemplatesId,
  getProviders,
  getTemplates,
  postTemplates,
  postTemplatesIdPreview,
  postTemplatesSync,
  type Template,
  type TemplatePreview,
} from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useChannels } from "../all";
import { client, queries, useCan, useGet } from "../api";
import { Bubble } from "../bubble";
import { type FilledPart, hasMedia, showTemplate } from "../content";
import { Choice, Pager, Search } from "../list";
import { useUrl } from "../search";
import { Act, ask, Badge, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Table, Time } from "../ui";
import { number } from "../words";

const again = () => queries.invalidateQueries({ queryKey: ["templates"] });

export function Templates() {
  const [url] = useUrl();
  const query = { search: url.q, cursor: url.cursor, status: url.status as "approved" };
  const list = useGet(["templates", query], () => getTemplates({ client, query }));
  const manage = useCan("manage");
  const [shown, setShown] = useState<Template>();
  const [creating, setCreating] = useState(false);
  const rows = list.data?.data ?? [];
  return (
    <Page
      title="Templates"
      actions={
        manage && (
          <>
            <Sync />
            <button type="button" className="btn primary" onClick={() => setCreating(true)}>
              Create template
            </button>
          </>
        )
      }
    >
      <Search label="Search templates" placeholder="Name" button>
        <Choice name="status" label="Status" options={["approved", "pending", "rejected", "paused", "disabled"]} />
      </Search>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={url.q || url.status ? "No template matches" : "No template yet"}>
          {url.q || url.status ? (
            <Link to="/templates">Show all templates</Link>
          ) : (
            <>
              Templates are read from the provider of a <Link to="/channels">channel</Link>, or entered here once it has approved them.{" "}
              {manage && (
                <button type="button" className="btn" onClick={() => setCreating(true)}>
                  Create the first one
                </button>
              )}
            </>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Templates"
          rows={rows}
          id={(t) => t.id ?? 0}
          columns={[
            { name: "Name", cell: (t) => <Foreign>{t.name}</Foreign> },
            { name: "Language", cell: (t) => t.language },
            { name: "Category", cell: (t) => t.category },
            { name: "Provider", cell: (t) => t.provider || <span className="soft">any</span> },
            {
              name: "Status",
              cell: (t) => (
                <>
                  <Badge>{t.status ?? ""}</Badge> {t.status_reason && <Foreign className="soft">{t.status_reason}</Foreign>}
                </>
              ),
            },
            { name: "Variables", cell: (t) => <Foreign className="soft">{t.variables?.join(", ") || "none"}</Foreign> },
            { name: "Used", num: true, cell: (t) => number(t.usage_count ?? 0) },
            { name: "Updated", cell: (t) => <Time at={t.updated_at} /> },
            {
              name: "",
              cell: (t) => (
                <div className="row">
                  <button type="button" className="btn small" onClick={() => setShown(t)}>
                    Preview <span className="sr">{t.name}</span>
                  </button>
                  {manage && (
                    <Act
                      className="btn small danger"
                      confirm={ask("Delete", t.name, ` (${t.language})? The provider keeps it.`)}
                      run={() => deleteTemplatesId({ client, path: { id: t.id! } }).then(again)}
                    >
                      Delete{" "}
                      <span className="sr">
                        {t.name} in {t.language}
                      </span>
                    </Act>
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
      {shown && <Preview template={shown} close={() => setShown(undefined)} />}
      {creating && <Create close={() => setCreating(false)} />}
    </Page>
  );
}

/** Reads the templates of the channels whose provider lists them. */
function Sync() {
  const channels = useChannels();
  const providers = useGet(["providers"], () => getProviders({ client }));
  const lists = (providers.data?.data ?? []).filter((p) => p.lists_templates).map((p) => p.name);
  const [done, setDone] = useState("");
  const [chosen, choose] = useState<number>();
  const all = (channels.data?.data ?? []).filter((c) => lists.includes(c.provider));
  const offered = all.length > 3 ? [all.find((c) => c.id === chosen) ?? all[0]!] : all;
  if (!channels.isFetched || !providers.isFetched) return <span className="btn waits">Sync templates …</span>;
  return (
    <>
      {done && (
        <span role="status" className="soft">
          {done}
        </span>
      )}
      {all.length > offered.length && (
        <label>
          <span className="sr">Channel to sync</span>
          <select value={offered[0]?.id} onChange={(e) => choose(Number(e.target.value))}>
            {all.map((c) => (
              <option key={c.id} value={c.id}>
                {c.name}
              </option>
            ))}
          </select>
        </label>
      )}
      {offered.map((c) => (
        <Act
          key={c.id}
          className="btn"
          run={async () => {
            const { data } = await postTemplatesSync({ client, body: { channel: c.id } });
            setDone(`${data.created} new, ${data.updated} changed, ${data.disabled} disabled`);
            again();
          }}
        >
          Sync {c.name}
        </Act>
      ))}
    </>
  );
}

/** The template as it looks, filled in by the server. */
function Preview({ template: t, close }: { template: Template; close: () => void }) {
  const [filled, setFilled] = useState<TemplatePreview>();
  const media = hasMedia(t);
  return (
    <Dialog title={ask("Preview of", t.name, "")} onClose={close}>
      <Bubble shown={showTemplate(t.components ?? [], (filled?.components ?? []) as FilledPart[])} />
      <Form
        label="Fill in"
        submit={async (v) => {
          const variables = (t.variables ?? []).map((name) => v[`var ${name}`] ?? "");
          const header = media ? { header_media_url: v.header } : {};
          const { data } = await postTemplatesIdPreview({ client, path: { id: t.id! }, body: { variables, ...header } });
          setFilled(data);
        }}
      >
        {media && (
          <Field label="Address of the header's file">
            <input name="header" type="url" required placeholder="https://" />
          </Field>
        )}
        {(t.variables ?? []).map((name) => (
          <Field key={name} label={name}>
            <input name={`var ${name}`} required />
          </Field>
        ))}
      </Form>
    </Dialog>
  );
}

/** Registers a template that exists at the provider. */
function Create({ close }: { close: () => void }) {
  const providers = useGet(["providers"], () => getProviders({ client }));
  const own = (providers.data?.data ?? []).filter((p) => p.keeps_templates);
  const [provider, setProvider] = useState("");
  const [text, setText] = useState("Hi {{1}}, your order {{2}} is on its way.");
  const marks = [...new Set([...text.matchAll(/\{\{\s*([^{}]+?)\s*\}\}/g)].map((m) => m[1]))];
  const named = marks.some((m) => !/^\d+$/.test(m));
  return (
    <Dialog title="Create a template" onClose={close}>
      <p className="soft">It must exist at the provider, approved: it is not submitted there.</p>
      <Form
        label="Create"
        submit={async (v) => {
          const names = named ? marks : marks.map((m) => v[`name ${m}`] || `value_${m}`);
          await postTemplates({
            client,
            body: {
              name: v.name,
              language: v.language,
              category: v.category as "utility",
              parameter_format: named ? "named" : "positional",
              provider: provider as "twilio",
              ...(provider ? { provider_template_id: v.own_id } : {}),
              components: [{ type: "BODY", text, variables: names }, ...(v.footer ? [{ type: "FOOTER", text: v.footer }] : [])],
            },
          });
          close();
          again();
        }}
      >
        <div className="fields2">
          <Field label="Name">
            <input name="name" required pattern="[a-z0-9_]+" title="Small letters, digits and _" />
          </Field>
          <Field label="Language" hint="Such as en or pt_BR.">
            <input name="language" required defaultValue="en" />
          </Field>
          <Field label="Category">
            <select name="category" defaultValue="utility">
              {["utility", "marketing", "authentication"].map((c) => (
                <option key={c}>{c}</option>
              ))}
            </select>
          </Field>
          <Field label="Kept by">
            <select value={provider} onChange={(e) => setProvider(e.target.value)}>
              <option value="">WhatsApp (Meta, Kaleyra)</option>
              {own.map((p) => (
                <option key={p.name} value={p.name}>
                  {p.title}
                </option>
              ))}
            </select>
          </Field>
          {provider && (
            <Field label="The provider's id">
              <input name="own_id" required />
            </Field>
          )}
        </div>
        <Field label="Text" hint="With {{1}}, {{2}} or {{name}} for its variables.">
          <textarea rows={4} required value={text} onChange={(e) => setText(e.target.value)} />
        </Field>
        {!named &&
          marks.map((m) => (
            <Field key={m} label={`Name of {{${m}}}`}>
              <input name={`name ${m}`} placeholder={`value_${m}`} />
            </Field>
          ))}
        <Field label="Footer">
          <input name="footer" />
        </Field>
      </Form>
    </Dialog>
  );
}
