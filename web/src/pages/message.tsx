import {
  getChannelsId,
  getMessagesId,
  getMessagesIdEvents,
  getSuppressions,
  postMessagesIdCancel,
  postMessagesIdShare,
} from "@sendoff/client";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { span, until } from "../clock";
import { Act, Badge, Copy, ErrorBox, Foreign, Json, Loading, Page, Panel, Time } from "../ui";

const unfinished = ["scheduled", "queued", "sending"];

type View = Record<string, unknown> & {
  message_id: string;
  status: string;
  to?: string | null;
  type: string;
  channel_id: number;
  content?: Record<string, unknown>;
  send_at?: string;
  expires_at?: string;
  next_attempt_at?: string;
  waits_for?: string;
  created_at?: string;
  attempts?: number;
  maybe_sent?: boolean;
  error?: { code?: string; provider_code?: string; message?: string } | null;
  reference?: string;
  campaign_id?: number;
  provider_message_id?: string;
};

/** The text that the recipient reads, as far as the content has one. */
export function textOf(m: { type?: string; content?: unknown }): string {
  const c = (m.content ?? {}) as Record<string, Record<string, unknown>>;
  const part = c[m.type ?? ""] ?? c;
  if (m.type === "text") return String(part.body ?? part);
  if (m.type === "template") {
    const values = ((part.components as { parameters?: { text?: string }[] }[]) ?? [])
      .flatMap((x) => x.parameters ?? [])
      .map((p) => p.text);
    return `Template ${part.name}\n${values.filter(Boolean).join("\n")}`;
  }
  return String(part.caption ?? JSON.stringify(part, null, 2));
}

export function Message() {
  const { id } = useParams({ strict: false }) as { id: string };
  const message = useGet(["message", id], () => getMessagesId({ client, path: { id } }), { every: 3000 });
  const events = useGet(["message", id, "events"], () => getMessagesIdEvents({ client, path: { id } }), { every: 3000 });
  const canSend = useCan("send_text");
  const m = message.data as unknown as View | undefined;
  if (!m) return <Page title="Message">{message.error ? <ErrorBox error={message.error} retry={message.refetch} /> : <Loading />}</Page>;
  const open = unfinished.includes(m.status);
  const again = JSON.stringify({ channel: String(m.channel_id), to: m.to, type: m.type, ...(m.content ?? {}) });
  const curl = `curl -sS ${location.origin}/v1/messages/${id} -H "Authorization: Bearer $SENDOFF_API_KEY"`;
  const timeline = ((events.data as { data?: unknown[] } | undefined)?.data ?? []) as {
    sequence?: number;
    at?: string;
    type?: string;
    cause?: string;
    outcome?: string;
    http_status?: number;
    code?: string;
    detail?: string;
    latency_ms?: number;
  }[];
  return (
    <Page
      title="Message"
      actions={
        <>
          {open && canSend && (
            <Act
              className="btn danger"
              confirm="Cancel this message?"
              run={async () => {
                await postMessagesIdCancel({ client, path: { id } });
                queries.invalidateQueries({ queryKey: ["message", id] });
              }}
            >
              Cancel message
            </Act>
          )}
          {canSend && (
            <Link className="btn" to="/playground" search={{ body: again } as never}>
              Send again
            </Link>
          )}
          <Share id={id} />
        </>
      }
    >
      <div className="grid2">
        <div className="stack">
          <Panel title="Status">
            <div className="row">
              <Badge>{m.status}</Badge>
              {m.maybe_sent && <Badge tone="warn">maybe sent</Badge>}
              {m.test === true && <Badge>test</Badge>}
              {m.anomaly === true && <Badge tone="warn">anomaly</Badge>}
            </div>
            {m.error && (
              <p className="note bad">
                <code>{m.error.code}</code> {m.error.provider_code} <Foreign>{m.error.message}</Foreign>
              </p>
            )}
            <dl className="facts">
              <dt>Id</dt>
              <dd>
                <code>{m.message_id}</code> <Copy text={m.message_id} />
              </dd>
              <dt>To</dt>
              <dd>
                <Foreign>{m.to}</Foreign>
              </dd>
              <dt>Reference</dt>
              <dd>
                <Foreign>{m.reference}</Foreign>
              </dd>
              <dt>Provider's id</dt>
              <dd>
                <code>{m.provider_message_id ?? "–"}</code>
              </dd>
              <dt>Lane</dt>
              <dd>{String(m.lane ?? "")}</dd>
              {(["created_at", "send_at", "sent_at", "delivered_at", "read_at", "failed_at", "expires_at"] as const).map((name) => (
                <div key={name} style={{ display: "contents" }}>
                  <dt>{name.replace("_at", "").replace(/^\w/, (c) => c.toUpperCase())}</dt>
                  <dd>
                    <Time at={m[name] as string} />
                  </dd>
                </div>
              ))}
            </dl>
          </Panel>
          {open && <WhyNotYet message={m} />}
          <Panel title="What the recipient sees">
            <div className="phone">
              <div className="bubble">
                <bdi>{textOf(m)}</bdi>
              </div>
            </div>
          </Panel>
        </div>
        <div className="stack">
          <Panel title="Timeline">
            <ErrorBox error={events.error} retry={events.refetch} />
            <ol className="timeline">
              {timeline.map((e, i) => (
                <li
                  key={`${e.sequence} ${e.at} ${e.type}`}
                  className={
                    /failed|expired|permanent|unknown/.test(`${e.type} ${e.outcome}`)
                      ? "bad"
                      : /delivered|read|accepted/.test(`${e.type} ${e.outcome}`)
                        ? "good"
                        : ""
                  }
                >
                  <strong>{e.type === "attempt" ? `attempt: ${e.outcome}` : e.type}</strong> <span className="soft">by {e.cause}</span>
                  {e.http_status ? <span> · HTTP {e.http_status}</span> : null}
                  {e.latency_ms ? <span> · {span(e.latency_ms / 1000)}</span> : null}
                  {e.code && (
                    <span>
                      {" "}
                      · <code>{e.code}</code>
                    </span>
                  )}
                  <div>
                    <Time at={e.at} />
                    {i > 0 && e.at && timeline[i - 1].at && (
                      <span className="soft"> +{span(Math.max(0, (Date.parse(e.at) - Date.parse(timeline[i - 1].at!)) / 1000))}</span>
                    )}
                  </div>
                  {e.detail && (
                    <div className="soft">
                      <Foreign>{e.detail}</Foreign>
                    </div>
                  )}
                </li>
              ))}
            </ol>
          </Panel>
          <Panel title="Content">
            <Json value={m.content} label="Content as JSON" />
          </Panel>
          <Panel title="The same from a shell">
            <Json value={`${curl}\n\nsendoff status ${id}`} label="curl and sendoff" />
            <Copy text={curl} label="Copy curl" />
          </Panel>
        </div>
      </div>
    </Page>
  );
}

/** The gates that a message passes, in their order. */
function WhyNotYet({ message: m }: { message: View }) {
  const channel = useGet(["channel", m.channel_id], () => getChannelsId({ client, path: { id: m.channel_id } }));
  const suppressed = useGet(["suppressed", m.to], () => getSuppressions({ client, query: { search: m.to ?? "" } as never }), {
    enabled: !!m.to,
  });
  const c = channel.data;
  const w = m.waits_for;
  const gates: [string, boolean, string][] = [
    ["Time to send", w !== "send_at", m.send_at ? until(m.send_at) : "at once"],
    [
      "Channel",
      w !== "paused" && c?.enabled !== false && c?.health?.state !== "paused",
      c ? (c.enabled ? (c.health?.reason ?? "enabled") : "disabled") : "",
    ],
    [
      "Circuit",
      w !== "circuit" && c?.health?.state !== "open",
      c?.health?.state === "open" && c.health.probe_at ? `probe ${until(c.health.probe_at)}` : "closed",
    ],
    ["Rate", w !== "rate", c?.send_rate ? `${c.send_rate.effective} messages a second` : ""],
    ["Recipient spacing", w !== "spacing", ""],
    ["Quiet hours", w !== "quiet_hours", ""],
    ["Conversation window", w !== "window", ""],
    ["Campaign", !["campaign", "canary", "budget"].includes(w ?? ""), w === "canary" || w === "budget" ? w : ""],
    ["Suppression", !suppressed.data?.data?.some((s) => s.phone === m.to), ""],
    ["Retry", w !== "retry", m.attempts ? `${m.attempts} attempts so far` : ""],
    ["Worker", w !== "worker", w === "worker" ? "no worker takes messages: start sendoff work" : ""],
    ["Expiry", !m.expires_at || Date.parse(m.expires_at) > Date.now(), m.expires_at ? until(m.expires_at) : ""],
  ];
  return (
    <Panel title="Why not yet?">
      <p>
        {w ? `It waits for: ${w.replace("_", " ")}. ` : "It is on its way. "}
        {m.next_attempt_at && (
          <>
            Next try: <Time at={m.next_attempt_at} relative />
          </>
        )}
      </p>
      <ul className="gates">
        {gates.map(([name, passed, detail]) => (
          <li key={name}>
            <span className={passed ? "badge good" : "badge warn"}>{passed ? "passed" : "waits"}</span> {name}{" "}
            <span className="soft">{detail}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Share({ id }: { id: string }) {
  const [url, setUrl] = useState("");
  return (
    <>
      <Act
        className="btn"
        run={async () => {
          const { data } = await postMessagesIdShare({ client, path: { id }, body: { hours: 72 } });
          setUrl(data.url ?? "");
        }}
      >
        Share link
      </Act>
      {url && (
        <span className="row">
          <label>
            <span className="sr">Link, valid for 72 hours</span>
            <input readOnly value={url} size={30} />
          </label>
          <Copy text={url} />
        </span>
      )}
    </>
  );
}
