import { getAudit } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useKeys, useUsers } from "../all";
import { client, readOn, useGet } from "../api";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Empty, ErrorBox, Foreign, Loading, Page, Table, Time } from "../ui";

/** The fields of a change in one line. */
function detailOf(detail: unknown): string {
  if (!detail || typeof detail !== "object") return "";
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}

/**
 * Returns the names of users and keys by the ids that the log has; who is gone, or not to be seen, stays an id.
 * Undefined until they are known: rows with other names would move.
 */
function useNames(): ((actor: string) => string) | undefined {
  const users = useUsers();
  const keys = useKeys();
  if (users.isLoading || keys.isLoading) return undefined;
  return (actor) => {
    const [kind, id] = actor.split(":");
    if (kind === "user") return users.data?.data.find((u) => u.id === id)?.name ?? actor;
    const key = kind === "key" && keys.data?.data.find((k) => String(k.id) === id);
    return key ? `${key.name} (${actor})` : actor;
  };
}

export function Audit() {
  const [url, setUrl] = useUrl();
  const query = { actor: url.actor, action: url.action, target: url.target, cursor: url.cursor };
  const list = useGet(["audit", query], () => readOn(query.cursor, (cursor) => getAudit({ client, query: { ...query, cursor } })));
  const nameOf = useNames();
  const rows = list.data?.data ?? [];
  const filtered = url.actor || url.action || url.target;
  return (
    <Page title="Audit log">
      <form
        className="row"
        onSubmit={(e) => {
          e.preventDefault();
          const v = new FormData(e.currentTarget);
          setUrl({ actor: String(v.get("actor")), action: String(v.get("action")), target: String(v.get("target")), cursor: undefined });
        }}
      >
        {["actor", "action", "target"].map((name) => (
          <label key={name}>
            <span className="sr">{name}</span>
            <input
              key={url[name]}
              name={name}
              defaultValue={url[name]}
              placeholder={{ actor: "Actor: key:12", action: "Action: key.create", target: "Target: channel:3" }[name]}
            />
          </label>
        ))}
        <button type="submit" className="btn">
          Filter
        </button>
      </form>
      <ErrorBox error={list.error} retry={list.refetch} />
      {(list.isPending || (rows.length > 0 && !nameOf)) && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={filtered ? "No entry matches" : "Nothing was changed yet"}>
          {filtered ? <Link to="/audit">Show all entries</Link> : "Every change of the account's configuration is noted here."}
        </Empty>
      )}
      {rows.length > 0 && nameOf && (
        <Table
          label="Audit log"
          rows={rows}
          id={(e) => e.id ?? 0}
          columns={[
            { name: "Time", cell: (e) => <Time at={e.at} /> },
            {
              name: "Actor",
              cell: (e) => (
                <Link to="/audit" search={{ ...url, actor: e.actor, cursor: undefined }} title={e.actor}>
                  <Foreign>{nameOf(e.actor)}</Foreign>
                </Link>
              ),
            },
            { name: "Action", cell: (e) => e.action },
            { name: "Target", cell: (e) => e.target },
            { name: "Detail", cell: (e) => <Foreign className="soft mono wide">{detailOf(e.detail)}</Foreign> },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </Page>
  );
}
