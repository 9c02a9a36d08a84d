import { deleteImportsId, getImports, type Import } from "@sendoff/client";
import { useState } from "react";
import { useLists } from "../all";
import { client, useGet } from "../api";
import { Importer } from "../importer";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Act, Badge, Empty, ErrorBox, Field, Loading, Panel, Table, Time } from "../ui";
import { number, upper } from "../words";

/** What became of the rows; their sum is the lines. */
const counts = ["created", "updated", "unchanged", "duplicate", "suppressed", "bad"] as const;

/** The imports, and the form of a new one: a tab of the contacts page. */
export function Imports({ may }: { may: boolean }) {
  const [{ cursor }] = useUrl();
  const list = useGet(["imports", cursor], () => getImports({ client, query: { limit: 50, cursor } }), { every: 3000 });
  const lists = useLists(may);
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
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && !cursor && (
        <Empty title="No import yet">
          {may ? "Choose a file above: it is shown before anything is written." : "Who may send imports files here."}
        </Empty>
      )}
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
            ...counts.map((name) => ({ name: upper(name), num: true, cell: (v: Import) => number(v[name]) })),
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
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </>
  );
}
