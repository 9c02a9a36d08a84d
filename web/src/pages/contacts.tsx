import {
  deleteContactsId,
  deleteImportsId,
  deleteListsId,
  deleteSuppressionsPhone,
  getContacts,
  getImports,
  getLists,
  getSuppressions,
  postContacts,
  postLists,
  postSuppressions,
} from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { client, queries, useGet, useSession } from "../api";
import { Importer } from "../importer";
import { Pager, Search } from "../list";
import { useUrl } from "../search";
import { Act, Badge, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Panel, Table, Time } from "../ui";
import { number } from "../words";

const tabs = { contacts: "Contacts", lists: "Lists", imports: "Imports", suppressions: "Suppressions" } as const;

export function Contacts() {
  const [url] = useUrl();
  const tab = url.tab && url.tab in tabs ? (url.tab as keyof typeof tabs) : "contacts";
  const role = useSession().data?.role ?? "viewer";
  const may = role !== "viewer";
  const admin = role === "owner" || role === "admin";
  return (
    <Page title="Contacts">
      <div className="tabs">
        {Object.entries(tabs).map(([key, name]) => (
          <Link key={key} to="/contacts" search={{ tab: key }} aria-current={tab === key ? "page" : undefined}>
            {name}
          </Link>
        ))}
      </div>
      {tab === "contacts" && <People may={may} />}
      {tab === "lists" && <Lists may={may} />}
      {tab === "imports" && <Imports may={may} />}
      {tab === "suppressions" && <Suppressions may={admin} />}
    </Page>
  );
}

function Tools({
  children,
  may,
  name,
  form,
}: {
  children?: ReactNode;
  may: boolean;
  name: string;
  form: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <div className="row">
      {children}
      {may && (
        <button type="button" className="btn primary" onClick={() => setOpen(true)}>
          {name}
        </button>
      )}
      {open && (
        <Dialog title={name} onClose={() => setOpen(false)}>
          {form(() => setOpen(false))}
        </Dialog>
      )}
    </div>
  );
}

/** Reads lines such as "order = A-17". */
function fieldsOf(lines = ""): Record<string, string> | undefined {
  const all = lines.split("\n").map((l) => l.split("="));
  const given = all.filter(([name]) => name.trim()).map(([name, ...value]) => [name.trim(), value.join("=").trim()]);
  return given.length ? Object.fromEntries(given) : undefined;
}

function People({ may }: { may: boolean }) {
  const [url] = useUrl();
  const list = useGet(["contacts", url], () =>
    getContacts({ client, query: { search: url.q, list: url.list ? Number(url.list) : undefined, cursor: url.cursor, limit: 50 } }),
  );
  const rows = list.data?.data ?? [];
  const again = () => queries.invalidateQueries({ queryKey: ["contacts"] });
  return (
    <>
      <Tools
        may={may}
        name="Add contact"
        form={(close) => (
          <Form
            label="Add"
            submit={async (v) => {
              await postContacts({
                client,
                body: {
                  phone: v.phone,
                  name: v.name,
                  time_zone: v.zone || undefined,
                  fields: fieldsOf(v.fields),
                  ...(url.list ? { list_ids: [Number(url.list)] } : {}),
                },
              });
              close();
              again();
            }}
          >
            <Field label="Phone">
              <input name="phone" type="tel" required placeholder="+15550000100" />
            </Field>
            <Field label="Name">
              <input name="name" />
            </Field>
            <Field label="Time zone" hint="Such as Europe/Berlin. Empty: by the number.">
              <input name="zone" />
            </Field>
            <Field label="Fields" hint="One a line: order = A-17">
              <textarea name="fields" rows={3} />
            </Field>
          </Form>
        )}
      >
        <Search label="Number, name or field" button />
        <a className="btn" href={url.list ? `/v1/lists/${url.list}/contacts.csv` : "/v1/contacts.csv"} download>
          Export CSV
        </a>
      </Tools>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && (
        <Empty title="No contact">
          Add one, or{" "}
          <Link to="/contacts" search={{ tab: "imports" }}>
            import a file
          </Link>
          .
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Contacts"
          rows={rows}
          id={(c) => c.id ?? 0}
          columns={[
            { name: "Phone", cell: (c) => <Foreign>{c.phone}</Foreign> },
            { name: "Name", cell: (c) => <Foreign>{c.name}</Foreign> },
            { name: "Fields", cell: (c) => <Fields values={c.fields} /> },
            { name: "Time zone", cell: (c) => <span className="soft">{c.time_zone || "by the number"}</span> },
            { name: "Created", cell: (c) => <Time at={c.created_at} /> },
            {
              name: "",
              cell: (c) =>
                may && (
                  <Act
                    className="btn small danger"
                    confirm={`Delete ${c.name || c.phone}?`}
                    run={async () => {
                      await deleteContactsId({ client, path: { id: c.id! } });
                      again();
                    }}
                  >
                    Delete <span className="sr">{c.phone}</span>
                  </Act>
                ),
            },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} />
    </>
  );
}

function Fields({ values }: { values?: Record<string, unknown> }) {
  const all = Object.entries(values ?? {});
  return (
    <span className="soft">
      {all.map(([name, value], i) => (
        <span key={name}>
          {i > 0 && ", "}
          <bdi>{name}</bdi>: <bdi>{String(value)}</bdi>
        </span>
      ))}
    </span>
  );
}

function Lists({ may }: { may: boolean }) {
  const list = useGet(["lists"], () => getLists({ client }));
  const rows = list.data?.data ?? [];
  const again = () => queries.invalidateQueries({ queryKey: ["lists"] });
  return (
    <>
      <Tools
        may={may}
        name="Create list"
        form={(close) => (
          <Form
            label="Create"
            submit={async (v) => {
              await postLists({ client, body: { name: v.name, time_zone: v.zone || undefined } });
              close();
              again();
            }}
          >
            <Field label="Name">
              <input name="name" required />
            </Field>
            <Field label="Time zone" hint="Of contacts that have none of their own.">
              <input name="zone" />
            </Field>
          </Form>
        )}
      />
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.data && rows.length === 0 && (
        <Empty title="No list">A list is an audience that stays: create one and import contacts into it.</Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Lists"
          rows={rows}
          id={(l) => l.id ?? 0}
          columns={[
            {
              name: "Name",
              cell: (l) => (
                <Link to="/contacts" search={{ list: String(l.id) }}>
                  <bdi>{l.name}</bdi>
                </Link>
              ),
            },
            { name: "Contacts", num: true, cell: (l) => number(l.count ?? 0) },
            { name: "Time zone", cell: (l) => <span className="soft">{l.time_zone || "–"}</span> },
            { name: "Created", cell: (l) => <Time at={l.created_at} /> },
            {
              name: "",
              cell: (l) =>
                may && (
                  <Act
                    className="btn small danger"
                    confirm={`Delete the list ${l.name}? Its contacts stay.`}
                    run={async () => {
                      await deleteListsId({ client, path: { id: l.id! } });
                      again();
                    }}
                  >
                    Delete <span className="sr">{l.name}</span>
                  </Act>
                ),
            },
          ]}
        />
      )}
    </>
  );
}

function Imports({ may }: { may: boolean }) {
  const list = useGet(["imports"], () => getImports({ client }), { every: 3000 });
  const lists = useGet(["lists"], () => getLists({ client }));
  const [into, setInto] = useState("");
  const rows = list.data?.data ?? [];
  return (
    <>
      {may && (
        <Panel title="Import contacts">
          <div className="stack">
            <Field label="Into the list">
              <select value={into} onChange={(e) => setInto(e.target.value)}>
                <option value="">No list</option>
                {(lists.data?.data ?? []).map((l) => (
                  <option key={l.id} value={l.id}>
                    {l.name}
                  </option>
                ))}
              </select>
            </Field>
            <Importer query={{ kind: "contacts", ...(into ? { list: into } : {}) }} done={() => list.refetch()} />
            <p className="soft">An import never changes consent: who has opted out stays opted out.</p>
          </div>
        </Panel>
      )}
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.data && rows.length === 0 && <Empty title="No import yet" />}
      {rows.length > 0 && (
        <Table
          label="Imports"
          rows={rows}
          id={(v) => v.id ?? 0}
          columns={[
            { name: "Id", cell: (v) => v.id },
            { name: "Kind", cell: (v) => v.kind },
            { name: "Status", cell: (v) => <Badge>{v.status ?? ""}</Badge> },
            { name: "Lines", num: true, cell: (v) => number(v.lines) },
            { name: "Created", num: true, cell: (v) => number(v.created) },
            { name: "Updated", num: true, cell: (v) => number(v.updated) },
            { name: "Bad", num: true, cell: (v) => number(v.bad) },
            { name: "Finished", cell: (v) => <Time at={v.finished_at} /> },
            {
              name: "",
              cell: (v) => (
                <div className="row">
                  {(v.bad ?? 0) > 0 && (
                    <a href={`/v1/imports/${v.id}/errors.csv`} download>
                      Bad rows <span className="sr">of import {v.id}</span>
                    </a>
                  )}
                  {may && v.status === "done" && (
                    <Act confirm={`Undo import ${v.id}?`} run={() => deleteImportsId({ client, path: { id: String(v.id) } })}>
                      Undo <span className="sr">import {v.id}</span>
                    </Act>
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
    </>
  );
}

function Suppressions({ may }: { may: boolean }) {
  const [url] = useUrl();
  const list = useGet(["suppressions", url], () => getSuppressions({ client, query: { search: url.q, cursor: url.cursor } }));
  const rows = list.data?.data ?? [];
  const again = () => queries.invalidateQueries({ queryKey: ["suppressions"] });
  return (
    <>
      <Tools
        may={may}
        name="Suppress a number"
        form={(close) => (
          <Form
            label="Suppress"
            submit={async (v) => {
              await postSuppressions({
                client,
                body: { phone: v.phone, scope: v.scope === "marketing" ? "marketing" : "all", reason: v.reason || undefined },
              });
              close();
              again();
            }}
          >
            <Field label="Phone">
              <input name="phone" type="tel" required />
            </Field>
            <Field label="Scope">
              <select name="scope">
                <option value="all">Everything</option>
                <option value="marketing">Marketing</option>
              </select>
            </Field>
            <Field label="Reason">
              <input name="reason" />
            </Field>
          </Form>
        )}
      >
        <Search label="Number" button />
        <a className="btn" href="/v1/suppressions.csv" download>
          Export CSV
        </a>
      </Tools>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.data && rows.length === 0 && <Empty title="Nobody is suppressed">Who writes STOP is put here, and gets nothing more.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Suppressions"
          rows={rows}
          id={(s) => `${s.phone} ${s.created_at}`}
          columns={[
            { name: "Person", cell: (s) => <Foreign>{s.phone}</Foreign> },
            { name: "Scope", cell: (s) => s.scope },
            { name: "Reason", cell: (s) => s.reason },
            { name: "Detail", cell: (s) => <Foreign>{s.detail}</Foreign> },
            { name: "Since", cell: (s) => <Time at={s.created_at} /> },
            {
              name: "",
              cell: (s) =>
                may && (
                  <Act
                    className="btn small danger"
                    confirm={`Remove the suppression of ${s.phone}? Only if the person has agreed again.`}
                    run={async () => {
                      await deleteSuppressionsPhone({ client, path: { phone: s.phone ?? "" } });
                      again();
                    }}
                  >
                    Remove <span className="sr">{s.phone}</span>
                  </Act>
                ),
            },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} />
    </>
  );
}
