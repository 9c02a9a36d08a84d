import { deleteSuppressionsPhone, getSuppressions, postSuppressions } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { client, queries, useGet } from "../api";
import { Pager, Search, Tools } from "../list";
import { useUrl } from "../search";
import { Act, ask, Empty, ErrorBox, Field, Foreign, Form, Loading, Table, Time } from "../ui";

/** The suppressed people: a tab of the contacts page. */
export function Suppressions({ may }: { may: boolean }) {
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
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={url.q ? "No suppression matches" : "Nobody is suppressed"}>
          {url.q ? (
            <Link to="/contacts" search={{ tab: "suppressions" }}>
              Show all suppressions
            </Link>
          ) : (
            "Who writes STOP is put here by itself, and gets nothing more. Nothing is to be done."
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Suppressions"
          rows={rows}
          id={(s) => `${s.phone} ${s.created_at}`}
          columns={[
            {
              name: "Person",
              cell: (s) => (
                <Link to="/messages" search={{ q: s.phone }}>
                  <Foreign>{s.phone}</Foreign> <span className="sr">and their messages</span>
                </Link>
              ),
            },
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
                    confirm={ask("Remove the suppression of", s.phone, "? Only if the person has agreed again.")}
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
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </>
  );
}
