import { type Campaign, getCampaigns } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { client, useCan, useGet } from "../api";
import { Choice, Pager, Search } from "../list";
import { useUrl } from "../search";
import { Badge, Empty, ErrorBox, Loading, Page, Table, Time } from "../ui";
import { number } from "../words";

/** The share of the recipients for which nothing more will be sent. */
export function doneOf(c: Campaign): number {
  const n = c.counts ?? {};
  const open = (n.waiting ?? 0) + (n.held ?? 0) + (n.queued ?? 0) + (n.sending ?? 0);
  return n.total ? (n.total - open) / n.total : 0;
}

export function Campaigns() {
  const [url] = useUrl();
  const query = { status: url.status as "draft", search: url.q, cursor: url.cursor };
  const list = useGet(["campaigns", query], () => getCampaigns({ client, query }), { every: 5000 });
  const can = useCan("send_template");
  const rows = list.data?.data ?? [];
  return (
    <Page
      title="Campaigns"
      actions={
        can && (
          <Link className="btn primary" to="/campaigns/new">
            New campaign
          </Link>
        )
      }
    >
      <Search label="Search campaigns" placeholder="Name" button>
        <Choice name="status" label="Status" options={["draft", "scheduled", "running", "paused", "finished", "cancelled"]} />
      </Search>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={url.q || url.status ? "No campaign matches" : "No campaign yet"}>
          {url.q || url.status ? (
            <Link to="/campaigns">Show all campaigns</Link>
          ) : (
            <>A campaign sends one message to many people. {can && <Link to="/campaigns/new">Create the first one</Link>}</>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Campaigns"
          rows={rows}
          id={(c) => c.id ?? 0}
          columns={[
            {
              name: "Name",
              cell: (c) => (
                <Link to="/campaigns/$id" params={{ id: String(c.id) }}>
                  <bdi>{c.name}</bdi>
                </Link>
              ),
            },
            { name: "Status", cell: (c) => <Badge>{c.status ?? ""}</Badge> },
            { name: "Recipients", num: true, cell: (c) => number(c.counts?.total ?? 0) },
            { name: "Done", num: true, cell: (c) => (c.status === "draft" ? "–" : `${Math.floor(100 * doneOf(c))} %`) },
            { name: "Failed", num: true, cell: (c) => number(c.counts?.failed ?? 0) },
            { name: "Created", cell: (c) => <Time at={c.created_at} /> },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </Page>
  );
}
