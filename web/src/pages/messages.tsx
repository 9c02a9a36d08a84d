import { getCampaigns, getMessages, type View } from "@sendoff/client";
import { Link, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { useChannels } from "../all";
import { client, readOn, useGet } from "../api";
import { mine, useZone } from "../clock";
import { idIn } from "../ids";
import { Choice, Pager, Search } from "../list";
import { countOf, listen } from "../live";
import { useUrl } from "../search";
import { Badge, type Column, Empty, ErrorBox, Foreign, Loading, Page, Table, Time } from "../ui";
import { Inbound } from "./inbound";

const statuses = ["scheduled", "queued", "sending", "sent", "delivered", "read", "failed", "expired", "cancelled", "unknown"];
const types = ["text", "template", "image", "video", "audio", "document", "sticker", "location", "contacts", "interactive", "reaction"];

/** Finds a provider's id in a pasted line, else returns the text. */
const searched = (text: string) => text.match(/\b(wamid\.[\w=+/-]+|[SM]M[0-9a-f]{32})/)?.[0] ?? text;

const filters = ["q", "status", "channel", "type", "campaign", "code", "reference", "from", "to"];

export function Messages() {
  const [url] = useUrl();
  const tab = url.tab === "inbound" ? "inbound" : "sent";
  return (
    <Page title="Messages">
      <div className="tabs">
        <Link to="/messages" activeOptions={{ exact: true }} aria-current={tab === "sent" ? "page" : undefined}>
          Sent by us
        </Link>
        <Link to="/messages" search={{ tab: "inbound" }} aria-current={tab === "inbound" ? "page" : undefined}>
          Inbound
        </Link>
      </div>
      {tab === "inbound" ? <Inbound /> : <Sent />}
    </Page>
  );
}

/** An hour of a day in the chosen zone, for the API. */
function instant(day: string | undefined, hour: string, zone: "utc" | "mine"): string | undefined {
  const at = new Date(`${day}T${hour}${zone === "utc" ? "Z" : ""}`);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** The query of the API for a page's URL; one box searches numbers, ids, references and content. */
function queryOf(url: Record<string, string | undefined>, zone: "utc" | "mine") {
  const userID = url.q?.match(/^\s*([A-Z]{2}\.(?:ENT\.)?\d+)\s*$/i)?.[1]?.toUpperCase();
  const recipient = userID ?? (url.q && /^\+?[\d\s()-]{5,}$/.test(url.q) ? url.q.replace(/[^\d+]/g, "") : undefined);
  const campaign = url.q?.match(/^campaign:(\d+)$/)?.[1] ?? url.campaign;
  return {
    status: url.status,
    channel: url.channel,
    type: url.type,
    code: url.code,
    reference: url.reference,
    search: url.q && !recipient && !/^campaign:/.test(url.q) ? url.q : undefined,
    to: recipient,
    campaign: campaign ? Number(campaign) : undefined,
    created_from: instant(url.from, "00:00:00.000", zone),
    created_to: instant(url.to, "23:59:59.999", zone),
    cursor: url.cursor,
    limit: 50,
  };
}

function Sent() {
  const [url, setUrl] = useUrl();
  const navigate = useNavigate();
  const zone = useZone();
  const query = queryOf(url, zone);
  const list = useGet(["messages", query], () => readOn(query.cursor, (cursor) => getMessages({ client, query: { ...query, cursor } })));
  const channels = useChannels();
  const [hidden, setHidden] = useHidden();
  const find = (text: string) => {
    const id = idIn(text);
    if (id) navigate({ to: "/messages/$id", params: { id } });
    else setUrl({ q: searched(text.trim()), cursor: undefined });
  };
  const channelName = (id?: number) => channels.data?.data?.find((c) => c.id === id)?.name ?? String(id ?? "");
  const filtered = filters.some((name) => url[name]);
  const rows = list.data?.data ?? [];
  const columns = columnsOf(channelName);
  return (
    <>
      <Search label="Search messages" placeholder="Number, id, reference, campaign" size={30} button find={find}>
        <Choice name="status" label="Status" options={statuses} />
        <Choice name="channel" label="Channel" options={(channels.data?.data ?? []).map((c) => [String(c.id), c.name ?? ""])} />
        <Choice name="type" label="Type" options={types} />
        <span className="row">
          <Day name="from" label="From" url={url} set={setUrl} />
          <Day name="to" label="to" url={url} set={setUrl} />
          {(url.from || url.to) && <span className="soft">{zone === "utc" ? "UTC" : mine}</span>}
        </span>
        <Columns all={columns.map((c) => c.name)} hidden={hidden} set={setHidden} />
        <Fresh
          show={() => {
            if (url.cursor) setUrl({ cursor: undefined });
            list.refetch();
          }}
        />
      </Search>
      {(url.code || url.campaign || url.reference) && (
        <div className="row">
          {["code", "campaign", "reference"]
            .filter((name) => url[name])
            .map((name) => (
              <span key={name} className="badge info">
                {name}: <bdi>{url[name]}</bdi>
              </span>
            ))}
          <Link to="/messages">Show all messages</Link>
        </div>
      )}
      <OfCampaigns name={url.q} />
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title={filtered ? "No message matches" : "No message yet"}>
          {filtered ? (
            <Link to="/messages">Show all messages</Link>
          ) : (
            <>
              Send the first one from the <Link to="/playground">playground</Link>.
            </>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table label="Messages" rows={rows} id={(m) => m.message_id ?? ""} columns={columns.filter((c) => !hidden.includes(c.name))} />
      )}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
    </>
  );
}

/** A button that shows how many messages came since the list was read. They are counted apart: the table is not rendered for it. */
function Fresh({ show }: { show: () => void }) {
  const [fresh, setFresh] = useState(0);
  useEffect(() => listen((e) => setFresh((n) => Math.min(n + countOf(e, "message.queued"), 999))), []);
  return (
    <span role="status">
      {fresh > 0 && (
        <button
          type="button"
          className="btn"
          onClick={() => {
            setFresh(0);
            show();
          }}
        >
          {fresh} new
        </button>
      )}
    </span>
  );
}

/** Campaigns whose name was searched for, each with its messages one click away. */
function OfCampaigns({ name = "" }: { name?: string }) {
  const named = name.length > 1 && !/^[\d\s+()-]+$/.test(name);
  const found = useGet(["campaigns", "named", name], () => getCampaigns({ client, query: { search: name, limit: 5 } }), { enabled: named });
  const rows = named ? (found.data?.data ?? []) : [];
  if (rows.length === 0) return null;
  return (
    <p className="row">
      <span className="soft">Campaigns of this name:</span>
      {rows.map((c) => (
        <Link key={c.id} to="/messages" search={{ campaign: String(c.id) }}>
          <bdi>{c.name}</bdi>
        </Link>
      ))}
    </p>
  );
}

function columnsOf(channelName: (id?: number) => string): Column<View>[] {
  return [
    { name: "Status", cell: (m) => <Badge>{m.status ?? ""}</Badge> },
    {
      name: "To",
      cell: (m) => (
        <Link to="/messages/$id" params={{ id: m.message_id ?? "" }}>
          <Foreign>{m.to ?? m.user_id}</Foreign>
        </Link>
      ),
    },
    { name: "Type", cell: (m) => m.type },
    { name: "Channel", cell: (m) => <bdi>{channelName(m.channel_id)}</bdi> },
    { name: "Reference", cell: (m) => <Foreign>{m.reference}</Foreign> },
    { name: "Error", cell: (m) => m.error && <code>{m.error.code}</code> },
    { name: "Created", cell: (m) => <Time at={m.created_at} /> },
    { name: "Updated", cell: (m) => <Time at={m.updated_at} /> },
    { name: "Lane", cell: (m) => m.lane },
    { name: "Attempts", num: true, cell: (m) => m.attempts },
    { name: "Campaign", cell: (m) => m.campaign_id },
    { name: "Id", cell: (m) => <code>{m.message_id}</code> },
  ];
}

const hiddenAtFirst = ["Updated", "Lane", "Attempts", "Campaign", "Id"];

/** The hidden columns, kept in the browser. */
function useHidden(): [string[], (hidden: string[]) => void] {
  const [hidden, setHidden] = useState<string[]>(() => {
    try {
      return localStorage.getItem("columns")?.split(",") ?? hiddenAtFirst;
    } catch {
      return hiddenAtFirst;
    }
  });
  return [
    hidden,
    (next) => {
      setHidden(next);
      try {
        localStorage.setItem("columns", next.join(","));
      } catch {}
    },
  ];
}

function Columns({ all, hidden, set }: { all: string[]; hidden: string[]; set: (hidden: string[]) => void }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="menu" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary className="btn">Columns</summary>
      <div className="panel">
        {(open ? all : []).map((name) => (
          <label key={name} className="check">
            <input
              type="checkbox"
              checked={!hidden.includes(name)}
              onChange={(e) => set(e.target.checked ? hidden.filter((h) => h !== name) : [...hidden, name])}
            />
            {name}
          </label>
        ))}
      </div>
    </details>
  );
}

function Day(props: {
  name: string;
  label: string;
  url: Record<string, string | undefined>;
  set: (change: Record<string, string | undefined>) => void;
}): ReactNode {
  return (
    <label>
      <span className="soft">{props.label}</span>{" "}
      <input
        type="date"
        value={props.url[props.name] ?? ""}
        onChange={(e) => props.set({ [props.name]: e.target.value, cursor: undefined })}
      />
    </label>
  );
}
