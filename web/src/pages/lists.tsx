import { deleteListsId, getLists, postLists } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { client, queries, useGet } from "../api";
import { Pager, Tools } from "../list";
import { useUrl } from "../search";
import { Act, ask, Empty, ErrorBox, Field, Form, Loading, Table, Time } from "../ui";
import { number } from "../words";

/** The lists of contacts: a tab of the contacts page. */
export function Lists({ may }: { may: boolean }) {
  const [{ cursor }] = useUrl();
  const list = useGet(["lists", "page", cursor], () => getLists({ client, query: { limit: 50, cursor } }));
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
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && !cursor && (
        <Empty title="No list yet">
          A list is an audience that stays. Create one, then{" "}
          <Link to="/contacts" search={{ tab: "imports" }}>
            import contacts
          </Link>{" "}
          into it.
        </Empty>
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
            { name: "Contacts", num: true, cell: (l) => `${number(l.count ?? 0)}${l.count_more ? "+" : ""}` },
            { name: "Time zone", cell: (l) => <span className="soft">{l.time_zone || "–"}</span> },
            { name: "Created", cell: (l) => <Time at={l.created_at} /> },
            {
              name: "",
              cell: (l) =>
                may && (
                  <Act
                    className="btn small danger"
                    confirm={ask("Delete the list", l.name, "? Its contacts stay.")}
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
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </>
  );
}
