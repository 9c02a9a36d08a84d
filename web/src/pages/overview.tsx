import { type ChannelState, getStats, type Point } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useMemo } from "react";
import { client, useGet } from "../api";
import { span } from "../clock";
import { useUrl } from "../search";
import { Badge, Empty, ErrorBox, Loading, Page, Panel, Table, Time } from "../ui";
import { number, upper } from "../words";

const Chart = lazy(() => import("../chart"));

function Tile({ label, value }: { label: string; value: string }) {
  return (
    <div className="tile" role="group" aria-label={label}>
      <div className="label">{label}</div>
      <div className="value">{value}</div>
    </div>
  );
}

const ranges = { hour: "Last hour", day: "Last day", month: "Last 30 days" } as const;

/** The place of a chart until its program has come, so that nothing below it moves. */
function Undrawn({ title, lines }: { title: string; lines: { values: (number | null)[] }[] }) {
  return (
    <Panel title={title}>
      <div className={lines.some((l) => l.values.some((v) => v)) ? "chart" : undefined}>
        <Loading />
      </div>
    </Panel>
  );
}

/** What the charts draw of the figures' series. */
function chartsOf(series: Point[]) {
  return {
    at: series.map((p) => new Date(p.at ?? 0).getTime() / 1000),
    rate: [{ name: "accepted", values: series.map((p) => p.per_second ?? 0) }],
    latency: [
      { name: "p50", values: series.map((p) => p.p50_ms ?? null) },
      { name: "p99", values: series.map((p) => p.p99_ms ?? null) },
    ],
  };
}

const shownChannels = 12;
const stateOf = (c: ChannelState) => (c.enabled ? (c.health?.state ?? "closed") : "disabled");

/** The channels that have their place on the page: those that do not send come first. */
function shownOf(all: ChannelState[]): ChannelState[] {
  const sends = (c: ChannelState) => Number(stateOf(c) === "closed");
  return all.length > shownChannels ? [...all].sort((a, b) => sends(a) - sends(b)).slice(0, shownChannels) : all;
}

export function Overview() {
  const [url, setUrl] = useUrl();
  const range = url.range && url.range in ranges ? (url.range as keyof typeof ranges) : "hour";
  const stats = useGet(["stats", range], () => getStats({ client, query: { range } }), { every: 10_000 });
  const s = stats.data;
  const { at, rate, latency } = useMemo(() => chartsOf(s?.series ?? []), [s?.series]);
  return (
    <Page
      title="Overview"
      actions={
        <label>
          <span className="sr">Range</span>
          <select value={range} onChange={(e) => setUrl({ range: e.target.value })}>
            {Object.entries(ranges).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
      }
    >
      <ErrorBox error={stats.error} retry={stats.refetch} />
      <div className="tiles">
        <Tile label="Total keys" value={number(s?.total_keys)} />
        <Tile label="Active keys" value={number(s?.active_keys)} />
        <Tile label="Calls today" value={number(s?.calls_today)} />
        <Tile label="Templates configured" value={number(s?.templates_configured)} />
        <Tile label="Messages today" value={number(s?.messages_today)} />
        <Tile label="Success rate" value={s?.success_rate == null ? "–" : `${(100 * s.success_rate).toFixed(1)} %`} />
        <Tile label="Waiting" value={s ? number(s.waiting) + (s.waiting_more ? "+" : "") : "–"} />
        <Tile label="Oldest waiting" value={s?.oldest_waiting_seconds == null ? "–" : span(s.oldest_waiting_seconds)} />
      </div>
      {!s && !stats.error && <Loading />}
      {s && (
        <div className="grid2 top-aligned">
          {[
            { title: "Messages a second", lines: rate },
            { title: "Accept to sent, milliseconds", lines: latency },
          ].map(({ title, lines }) => (
            <Suspense key={title} fallback={<Undrawn title={title} lines={lines} />}>
              <Chart title={title} at={at} lines={lines} />
            </Suspense>
          ))}
          <Panel title="Failures by code">
            {s.failures?.length ? (
              <Table
                label="Failures by channel and code"
                rows={s.failures}
                id={(f) => `${f.channel_id} ${f.code}`}
                columns={[
                  { name: "Code", cell: (f) => <code>{f.code || "–"}</code> },
                  { name: "Channel", cell: (f) => <bdi>{s.channels?.find((c) => c.id === f.channel_id)?.name ?? f.channel_id}</bdi> },
                  { name: "Count", num: true, cell: (f) => number(f.count) },
                  { name: "Newest", cell: (f) => <Time at={f.last_at} /> },
                  {
                    name: "",
                    cell: (f) => (
                      <Link to="/messages" search={{ status: "failed", channel: String(f.channel_id), code: f.code }}>
                        Show <span className="sr">what failed with {f.code}</span>
                      </Link>
                    ),
                  },
                ]}
              />
            ) : (
              <p className="soft">Nothing has failed in this time.</p>
            )}
          </Panel>
          <Panel title="Channels">
            {s.channels?.length ? (
              <Table
                label="Channels and their state"
                rows={shownOf(s.channels)}
                id={(c) => c.id ?? 0}
                columns={[
                  { name: "Channel", cell: (c) => <bdi>{c.name}</bdi> },
                  { name: "Provider", cell: (c) => `${upper(c.provider)} ${c.kind === "sms" ? "SMS" : "WhatsApp"}` },
                  {
                    name: "Circuit",
                    cell: (c) => <Badge>{stateOf(c)}</Badge>,
                  },
                  {
                    name: "Rate",
                    num: true,
                    cell: (c) => (c.send_rate ? `${number(c.send_rate.effective ?? 0, 0)}/s` : "–"),
                  },
                ]}
              />
            ) : (
              <Empty title="There is no channel yet">
                <Link to="/channels">Create one</Link> to send messages.
              </Empty>
            )}
            {s.channels && s.channels.length > shownChannels && (
              <p className="more">
                <Link to="/channels">Show all {number(s.channels.length)} channels</Link>
              </p>
            )}
          </Panel>
        </div>
      )}
    </Page>
  );
}
