import { type Delivery, getMessagesIdDeliveries, getMessagesIdEvents, type TimelineEvent } from "@sendoff/client";
import type { ReactNode } from "react";
import { client, useGet } from "../api";
import { span } from "../clock";
import { ErrorBox, Foreign, Json, Loading, Panel, Time } from "../ui";

interface Entry {
  key: string;
  at: string;
  title: string;
  by?: string;
  tone: "" | "good" | "bad";
  facts: (string | undefined)[];
  code?: string;
  detail?: string;
  more?: ReactNode;
}

const causes: Record<string, string> = { api: "the API", worker: "a worker", callback: "the provider's callback", feeder: "a worker" };

function ofEvent(e: TimelineEvent): Entry {
  const attempt = e.type === "attempt";
  const words = `${e.type} ${e.outcome}`;
  return {
    key: `${e.type} ${e.sequence} ${e.at}`,
    at: e.at ?? "",
    title: attempt ? `call to the provider: ${e.outcome}` : e.type === "note" ? `callback: ${e.detail}` : (e.type ?? ""),
    by: attempt ? undefined : (causes[e.cause ?? ""] ?? e.cause),
    tone: /failed|expired|permanent|unknown|refused/.test(words) ? "bad" : /delivered|read|sent|accepted/.test(words) ? "good" : "",
    facts: [
      e.http_status ? `HTTP ${e.http_status}` : undefined,
      e.latency_ms ? `answered after ${span(e.latency_ms / 1000)}` : undefined,
      attempt ? e.provider_message_id : undefined,
    ],
    code: e.code,
    detail: e.detail === e.type || e.type === "note" ? undefined : e.detail,
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
    more: (
      <details>
        <summary>
          Request and answer <span className="sr">of {d.event}</span>
        </summary>
        <Json value={d.request} label={`Request of ${d.event}`} />
        <Json value={answer ?? "no answer"} label={`Answer to ${d.event}`} />
      </details>
    ),
  };
}

/** Everything that happened to a message: its events, calls to the provider and webhooks, oldest first. */
export function Timeline({ id }: { id: string }) {
  const events = useGet(["message", id, "events"], () => getMessagesIdEvents({ client, path: { id } }), { every: 3000 });
  const hooks = useGet(["message", id, "deliveries"], () => getMessagesIdDeliveries({ client, path: { id } }), { every: 5000 });
  const entries = [...(events.data?.data ?? []).map(ofEvent), ...(hooks.data?.data ?? []).map(ofDelivery)];
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
              {i > 0 && <span className="soft"> +{span(Math.max(0, (Date.parse(e.at) - Date.parse(entries[i - 1].at)) / 1000))}</span>}
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
