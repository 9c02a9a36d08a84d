import { getInbound } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useChannels } from "../all";
import { client, readOn, useGet } from "../api";
import { Choice, Pager, Search } from "../list";
import { useUrl } from "../search";
import { Empty, ErrorBox, Foreign, Loading, Table, Time } from "../ui";

const types = [
  "text",
  "image",
  "video",
  "audio",
  "document",
  "sticker",
  "location",
  "contacts",
  "interactive",
  "button",
  "reaction",
  "order",
];

/** What people have written: a tab of the messages page. */
export function Inbound() {
  const [url] = useUrl();
  const query = { from: url.q?.replace(/[^\w.+]/g, "") || undefined, type: url.type, channel: url.channel };
  const list = useGet(["inbound", query, url.cursor], () =>
    readOn(url.cursor, (cursor) => getInbound({ client, query: { ...query, cursor, limit: 50 } })),
  );
  const channels = useChannels();
  const filtered = query.from || query.type || query.channel;
  const rows = list.data?.data ?? [];
  const nameOf = (id: number) => channels.data?.data.find((c) => c.id === id)?.name ?? String(id);
  return (
    <>
      <Search label="Search inbound messages" placeholder="Number" button>
        <Choice name="channel" label="Channel" options={(channels.data?.data ?? []).map((c) => [String(c.id), c.name])} />
        <Choice name="type" label="Type" options={types} />
      </Search>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={filtered ? "No inbound message matches" : "Nothing received yet"}>
          {filtered ? (
            <Link to="/messages" search={{ tab: "inbound" }}>
              Show all inbound messages
            </Link>
          ) : (
            <>
              What people write to your numbers appears here, once the provider knows the callback address of its{" "}
              <Link to="/channels">channel</Link>.
            </>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Inbound messages"
          rows={rows}
          id={(m) => m.id}
          columns={[
            {
              name: "From",
              cell: (m) => (
                <Link to="/messages" search={{ q: m.from ?? m.user_id }}>
                  <Foreign>{m.from ?? m.user_id}</Foreign> <span className="sr">and what was sent there</span>
                </Link>
              ),
            },
            { name: "Name", cell: (m) => <Foreign>{m.name}</Foreign> },
            { name: "Channel", cell: (m) => <bdi>{nameOf(m.channel_id)}</bdi> },
            { name: "Type", cell: (m) => m.type },
            { name: "Text", cell: (m) => <Foreign>{typeof m.text === "string" ? m.text : ""}</Foreign> },
            { name: "Received", cell: (m) => <Time at={m.received_at} /> },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </>
  );
}
