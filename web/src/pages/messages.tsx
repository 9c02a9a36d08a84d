import { getChannels, getInbound, getMessages } from "@sendoff/client";
import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { client, useGet } from "../api";
import { listen } from "../live";
import { useUrl } from "../search";
import { Badge, Empty, ErrorBox, Foreign, Loading, Page, Table, Time } from "../ui";

const statuses = ["scheduled", "queued", "sending", "sent", "delivered", "read", "failed", "expired", "cancelled", "unknown"];
const types = ["text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction"];
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Finds our id in what was pasted: an id, a wamid, an SM id or a line of a log. */
export function idIn(text: string): string | undefined {
  const ours = text.match(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i)?.[0];
  if (ours) return ours.toLowerCase();
  const sm = text.match(/\bSM([0-9a-f]{32})\b/i)?.[1];
  return sm?.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export function Messages() {
  const [url, setUrl] = useUrl();
  const navigate = useNavigate();
  const [fresh, setFresh] = useState(0);
  const tab = url.tab === "inbound" ? "inbound" : "sent";
  const query = {
    status: url.status,
    channel: url.channel,
    type: url.type,
    search: url.q && !/^\+?\d+$/.test(url.q) ? url.q : undefined,
    to: url.q && /^\+?\d+$/.test(url.q) ? url.q : undefined,
    campaign: url.campaign,
    cursor: url.cursor,
    limit: 50,
  };
  const list = useGet(["messages", query], () => getMessages({ client, query: query as never }), { enabled: tab === "sent" });
  const channels = useGet(["channels"], () => getChannels({ client }));
  useEffect(() => listen((e) => e.type === "message.queued" && setFresh((n) => Math.min(n + 1, 999))), []);
  const search = (e: FormEvent<HTMLFormElement>) => {
    e.preventDefault();
    const q = String(new FormData(e.currentTarget).get("q") ?? "").trim();
    const id = idIn(q);
    if (id && uuid.test(id)) navigate({ to: "/messages/$id", params: { id } });
    else setUrl({ q, cursor: undefined });
  };
  const filter = (name: string, label: string, options: [string, string][]) => (
    <label>
      <span className="sr">{label}</span>
      <select value={url[name] ?? ""} onChange={(e) => setUrl({ [name]: e.target.value, cursor: undefined })}>
        <option value="">{label}: all</option>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
  const name = (id?: number) => channels.data?.data?.find((c) => c.id === id)?.name ?? String(id ?? "");
  const rows = list.data?.data ?? [];
  return (
    <Page title="Messages">
      <div className="tabs">
        <Link to="/messages" aria-current={tab === "sent" ? "page" : undefined}>
          Sent by us
        </Link>
        <Link to="/messages" search={{ tab: "inbound" } as never} aria-current={tab === "inbound" ? "page" : undefined}>
          Inbound
        </Link>
      </div>
      {tab === "inbound" ? (
        <Inbound />
      ) : (
        <>
          <form className="row" onSubmit={search}>
            <label>
              <span className="sr">Search messages</span>
              <input key={url.q} name="q" type="search" size={36} placeholder="Number, id, SM…, reference" defaultValue={url.q} />
            </label>
            <button type="submit" className="btn">
              Search
            </button>
            {filter(
              "status",
              "Status",
              statuses.map((s) => [s, s]),
            )}
            {filter(
              "channel",
              "Channel",
              (channels.data?.data ?? []).map((c) => [String(c.id), c.name ?? ""]),
            )}
            {filter(
              "type",
              "Type",
              types.map((s) => [s, s]),
            )}
            {fresh > 0 && (
              <button
                type="button"
                className="btn"
                onClick={() => {
                  setFresh(0);
                  if (url.cursor) setUrl({ cursor: undefined });
                  list.refetch();
                }}
              >
                {fresh} new
              </button>
            )}
          </form>
          <ErrorBox error={list.error} retry={list.refetch} />
          {list.isPending && <Loading />}
          {list.data && rows.length === 0 && (
            <Empty title={url.q || url.status || url.channel || url.type ? "No message matches" : "No message yet"}>
              {url.q || url.status || url.channel || url.type ? (
                <Link to="/messages">Show all messages</Link>
              ) : (
                <>
                  Send the first one from the <Link to="/playground">playground</Link>.
                </>
              )}
            </Empty>
          )}
          {rows.length > 0 && (
            <Table
              label="Messages"
              rows={rows}
              id={(m) => m.message_id ?? ""}
              columns={[
                { name: "Status", cell: (m) => <Badge>{m.status ?? ""}</Badge> },
                {
                  name: "To",
                  cell: (m) => (
                    <Link to="/messages/$id" params={{ id: m.message_id ?? "" }}>
                      <Foreign>{m.to}</Foreign>
                    </Link>
                  ),
                },
                { name: "Type", cell: (m) => m.type },
                { name: "Channel", cell: (m) => <bdi>{name(m.channel_id)}</bdi> },
                { name: "Reference", cell: (m) => <Foreign>{m.reference}</Foreign> },
                { name: "Error", cell: (m) => (m.error ? <code>{(m.error as { code?: string }).code}</code> : "") },
                { name: "Created", cell: (m) => <Time at={m.created_at} /> },
              ]}
            />
          )}
          <Pager cursor={url.cursor} next={list.data?.next_cursor} go={(cursor) => setUrl({ cursor })} />
        </>
      )}
    </Page>
  );
}

export function Pager({ cursor, next, go }: { cursor?: string; next?: string; go: (cursor?: string) => void }) {
  if (!cursor && !next) return null;
  return (
    <div className="row">
      {cursor && (
        <button type="button" className="btn" onClick={() => go(undefined)}>
          First page
        </button>
      )}
      {next && (
        <button type="button" className="btn" onClick={() => go(next)}>
          Next page
        </button>
      )}
    </div>
  );
}

function Inbound() {
  const [url, setUrl] = useUrl();
  const list = useGet(["inbound", url.cursor], () => getInbound({ client, query: { cursor: url.cursor } as never }));
  const rows = (list.data?.data ?? []) as {
    id?: string | number;
    from?: string | null;
    type?: string;
    text?: unknown;
    received_at?: string;
    at?: string;
  }[];
  return (
    <>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.data && rows.length === 0 && <Empty title="Nothing received yet">What contacts write to your channels appears here.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Inbound messages"
          rows={rows}
          id={(m) => m.id ?? ""}
          columns={[
            { name: "From", cell: (m) => <Foreign>{m.from}</Foreign> },
            { name: "Type", cell: (m) => m.type },
            { name: "Text", cell: (m) => <Foreign>{typeof m.text === "string" ? m.text.slice(0, 500) : ""}</Foreign> },
            { name: "Received", cell: (m) => <Time at={m.received_at ?? m.at} /> },
          ]}
        />
      )}
      <Pager cursor={url.cursor} next={list.data?.next_cursor} go={(cursor) => setUrl({ cursor })} />
    </>
  );
}
