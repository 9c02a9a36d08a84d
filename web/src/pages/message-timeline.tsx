import { type Delivery, getMessagesIdDeliveries, getMessagesIdEvents, type TimelineEvent } from "@sendoff/client";
import type { ReactNode } from "react";
import { client, useGet } from "../api";
import { span } from "../clock";
import { everyOf } from "../settled";
import { ErrorBox, Foreign, Json, Loading, Panel, Time } from "../ui";
import type { MessageView } from "./message";

interface Entry {
  key: string;
  at: string;
  title: string;
  by?: string;
  tone: "" | "good" | "warn" | "bad";
  facts: (string | undefined)[];
  code?: string;
  detail?: string;
  more?: ReactNode;
  /** The milliseconds that a call to the provider took. */
  took?: number;
}

const causes: Record<string, string> = { api: "the API", worker: "a worker", callback: "the provider's callback", feeder: "a worker" };

/** What became of a call, in words. */
const outcomes: Record<string, string> = {
  accepted: "accepted",
  not_sent: "not sent",
  throttled: "slowed down",
  permanent: "refused",
  temporary: "failed for now",
  doubtful: "failed, and may have sent it",
  unknown: "no answer",
};

/** Names an event of a timeline. */
export function titleOf(e: { type?: string; outcome?: string; detail?: string }): string {
  if (e.type === "attempt") return `call to the provider: ${outcomes[e.outcome ?? ""] ?? e.outcome}`;
  return e.type === "note" ? ["callback", e.detail].filter(Boolean).join(": ") : (e.type ?? "");
}

/** Returns how an event is coloured. */
export function toneOf(words: string): Entry["tone"] {
  if (/failed|expired|permanent|unknown|refused/.test(words)) return "bad";
  if (/temporary|throttled|not_sent|doubtful/.test(words)) return "warn";
  return /delivered|read|sent|accepted/.test(words) ? "good" : "";
}

function ofEvent(e: TimelineEvent, m: MessageView): Entry {
  const attempt = e.type === "attempt";
  return {
    key: `${e.type} ${e.sequence} ${e.at}`,
    at: e.at ?? "",
    title: attempt
      ? `call to the provider: ${outcomes[e.outcome ?? ""] ?? e.outcome}`
      : e.type === "note"
        ? `callback: ${e.detail}`
        : (e.type ?? ""),
    by: attempt ? undefined : (causes[e.cause ?? ""] ?? e.cause),
    tone: toneOf(`${e.type} ${e.outcome}`),
    facts: [
      e.http_status ? `HTTP ${e.http_status}` : undefined,
      e.latency_ms ? `answered after ${span(e.latency_ms / 1000)}` : undefined,
      attempt ? e.provider_message_id : undefined,
    ],
    code: e.code,
    detail: e.detail === e.type || e.type === "note" ? undefined : e.detail,
    took: attempt ? (e.latency_ms ?? 0) : undefined,
    more: attempt ? <Exchange request={requestOf(m)} answer={answerOf(e)} of="this call" /> : undefined,
  };
}

function ofDelivery(d: Delivery): Entry {
  const answer = d.response;
  return {
    key: `${d.webhook_id} ${d.id}`,
    at: d.done_at ?? d.created_at ?? "",
    title: `webhook ${d.event}: ${d.state}`,
    tone: d.state === "delivered" ? "good" : d.state === "failed" ? "bad" : "",
    facts: [
      answer?.status ? `HTTP ${answer.status}` : undefined,
      answer?.latency_ms ? `answered after ${span(answer.latency_ms / 1000)}` : undefined,
      d.attempts ? `${d.attempts} ${d.attempts === 1 ? "try" : "tries"}` : "not tried yet",
    ],
    detail: answer?.error,
    more: <Exchange request={d.request} answer={answer ?? "no answer"} of={d.event ?? ""} />,
  };
}

/** What was asked of the provider; its own wire format is not kept. */
const requestOf = (m: MessageView) => ({ channel_id: m.channel_id, to: m.to ?? m.user_id, ...(m.content as object) });

/** What is kept of a provider's answer. */
function answerOf(e: TimelineEvent) {
  const { outcome, http_status, latency_ms, code, detail, provider_message_id } = e;
  return { outcome, http_status, latency_ms, code, detail, provider_message_id };
}

function Exchange(props: { request: unknown; answer: unknown; of: string }) {
  return (
    <details>
      <summary>
        Request and answer <span className="sr">of {props.of}</span>
      </summary>
      <Json value={props.request} label={`Request of ${props.of}`} />
      <Json value={props.answer} label={`Answer to ${props.of}`} />
    </details>
  );
}

/** How long after the entry before something happened; before a call the message waited in the queue. */
function Since({ e, before }: { e: Entry; before?: Entry }) {
  if (!before) return null;
  const after = Math.max(0, Date.parse(e.at) - Date.parse(before.at));
  const waited = e.took !== undefined && before.title === "queued";
  return (
    <span className="soft">
      {waited ? ` waited ${span(Math.max(0, after - (e.took ?? 0)) / 1000)} in the queue` : ` +${span(after / 1000)}`}
    </span>
  );
}

/** Everything that happened to a message: its events, calls to the provider and webhooks, oldest first. */
export function Timeline({ message }: { message: MessageView }) {
  const id = message.message_id;
  const every = everyOf(message);
  const events = useGet(["message", id, "events"], () => getMessagesIdEvents({ client, path: { id } }), { every });
  const hooks = useGet(["message", id, "deliveries"], () => getMessagesIdDeliveries({ client, path: { id } }), { every });
  const entries = [...(events.data?.data ?? []).map((e) => ofEvent(e, message)), ...(hooks.data?.data ?? []).map(ofDelivery)];
  entries.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <Panel title="Timeline">
      <ErrorBox error={events.error ?? hooks.error} retry={events.refetch} />
      {events.isPending && <Loading />}
      <ol className="timeline">
        {entries.map((e, i) => (
          <li key={e.key} className={e.tone}>
            <strong>{e.title}</strong> {e.by && <span className="soft">by {e.by}</span>}
            {e.facts.filter(Boolean).map((f) => (
              <span key={f} className="soft">
                {" "}
                · {f}
              </span>
            ))}
            {e.code && (
              <span>
                {" "}
                · <code>{e.code}</code>
              </span>
            )}
            <div>
              <Time at={e.at} />
              <Since e={e} before={entries[i - 1]} />
            </div>
            {e.detail && (
              <div className="soft">
                <Foreign>{e.detail}</Foreign>
              </div>
            )}
            {e.more}
          </li>
        ))}
      </ol>
    </Panel>
  );
}
