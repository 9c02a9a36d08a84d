import { type Contact, deleteContactsId, getContacts, getListsId, patchContactsId, postContacts } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, readOn, useGet, useSession } from "../api";
import { Pager, Search, Tools } from "../list";
import { useUrl } from "../search";
import { Act, ask, Dialog, Empty, ErrorBox, Field, Foreign, Form, Json, Loading, Page, Table, Time } from "../ui";
import { Imports } from "./imports";
import { Lists } from "./lists";
import { Suppressions } from "./suppressions";

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

/** Fields as lines such as "order = A-17"; what is no text stands as JSON. */
const linesOf = (fields: Record<string, unknown> = {}) =>
  Object.entries(fields)
    .map(([name, value]) => `${name} = ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");

/** Reads lines such as "order = A-17". */
function fieldsOf(lines = ""): Record<string, string> | undefined {
  const all = lines.split("\n").map((l) => l.split("="));
  const given = all.filter(([name]) => name.trim()).map(([name, ...value]) => [name.trim(), value.join("=").trim()]);
  return given.length ? Object.fromEntries(given) : undefined;
}

/** What a form of a contact asks. */
function Asked({ c }: { c?: Contact }) {
  return (
    <>
      <Field label="Phone">
        <input name="phone" type="tel" required={!c || !!c.phone} placeholder="+15550000100" defaultValue={c?.phone ?? ""} />
      </Field>
      <Field label="Name">
        <input name="name" defaultValue={c?.name} />
      </Field>
      <Field label="Time zone" hint="Such as Europe/Berlin. Empty: by the number.">
        <input name="zone" defaultValue={c?.time_zone} />
      </Field>
      <Field label="Fields" hint="One a line: order = A-17">
        <textarea name="fields" rows={c ? 6 : 3} defaultValue={linesOf(c?.fields)} />
      </Field>
    </>
  );
}

/** Changes a contact. Fields whose line was left alone keep their kind, such as a number. */
function EditContact({ contact: c, close, done }: { contact: Contact; close: () => void; done: () => void }) {
  return (
    <Dialog title={ask("Edit", c.name || c.phone || c.user_id, "")} onClose={close}>
      <Form
        label="Save"
        submit={async (v) => {
          const before: Record<string, unknown> = c.fields ?? {};
          const fields = Object.entries(fieldsOf(v.fields) ?? {}).map(([name, value]) => {
            const same = name in before && linesOf({ x: before[name] }) === linesOf({ x: value });
            return [name, same ? before[name] : value];
          });
          await patchContactsId({
            client,
            path: { id: c.id },
            body: { ...(v.phone ? { phone: v.phone } : {}), name: v.name, time_zone: v.zone, fields: Object.fromEntries(fields) },
          });
          close();
          done();
        }}
      >
        <Asked c={c} />
      </Form>
    </Dialog>
  );
}

/** Which list the contacts are of. */
function OfList({ id }: { id: number }) {
  const list = useGet(["lists", id], () => getListsId({ client, path: { id } }));
  return (
    <div className="row">
      <span className="badge info">
        list: <bdi>{list.data?.name ?? id}</bdi>
      </span>
      <Link to="/contacts">Show all contacts</Link>
    </div>
  );
}

function People({ may }: { may: boolean }) {
  const [url] = useUrl();
  const list = useGet(["contacts", url], () =>
    readOn(url.cursor, (cursor) =>
      getContacts({ client, query: { search: url.q, list: url.list ? Number(url.list) : undefined, cursor, limit: 50 } }),
    ),
  );
  const rows = list.data?.data ?? [];
  const [editing, setEditing] = useState<Contact>();
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
                  ...(url.list ? { lists: [Number(url.list)] } : {}),
                },
              });
              close();
              again();
            }}
          >
            <Asked />
          </Form>
        )}
      >
        <Search label="Number, name or field" button />
        <a className="btn" href={url.list ? `/v1/lists/${url.list}/contacts.csv` : "/v1/contacts.csv"} download>
          Export CSV
        </a>
      </Tools>
      {url.list && <OfList id={Number(url.list)} />}
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={url.q || url.list ? "No contact matches" : "No contact yet"}>
          {url.q || url.list ? (
            <Link to="/contacts">Show all contacts</Link>
          ) : (
            <Link className="btn" to="/contacts" search={{ tab: "imports" }}>
              Import a file
            </Link>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Contacts"
          rows={rows}
          id={(c) => c.id ?? 0}
          columns={[
            {
              name: "Phone",
              cell: (c) =>
                c.phone ? (
                  <Link to="/messages" search={{ q: c.phone }}>
                    <Foreign>{c.phone}</Foreign> <span className="sr">and its messages</span>
                  </Link>
                ) : (
                  <Foreign>{c.user_id}</Foreign>
                ),
            },
            { name: "Name", cell: (c) => <Foreign>{c.name}</Foreign> },
            { name: "Fields", cell: (c) => <Fields values={c.fields} /> },
            { name: "Time zone", cell: (c) => <span className="soft">{c.time_zone || "by the number"}</span> },
            { name: "Created", cell: (c) => <Time at={c.created_at} /> },
            {
              name: "",
              cell: (c) =>
                may && (
                  <div className="row">
                    <button type="button" className="btn small" onClick={() => setEditing(c)}>
                      Edit <span className="sr">{c.phone}</span>
                    </button>
                    <Act
                      className="btn small danger"
                      confirm={ask("Delete", c.name || c.phone)}
                      run={async () => {
                        await deleteContactsId({ client, path: { id: c.id! } });
                        again();
                      }}
                    >
                      Delete <span className="sr">{c.phone}</span>
                    </Act>
                  </div>
                ),
            },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
      {editing && <EditContact contact={editing} close={() => setEditing(undefined)} done={again} />}
    </>
  );
}

function Fields({ values }: { values?: Record<string, unknown> }) {
  const [whole, setWhole] = useState(false);
  const all = Object.entries(values ?? {});
  const shown = all.slice(0, 20);
  if (whole) return <Json value={values} label="All fields" />;
  return (
    <div className="soft">
      {shown.map(([name, value], i) => (
        <span key={name}>
          {i > 0 && ", "}
          <Foreign>{name}</Foreign>: <Foreign>{String(value)}</Foreign>
        </span>
      ))}
      {all.length > shown.length && (
        <button type="button" className="btn small" onClick={() => setWhole(true)}>
          and {all.length - shown.length} more
        </button>
      )}
    </div>
  );
}
