import { type Channel, getChannelsId, getSuppressions } from "@sendoff/client";
import type { ReactNode } from "react";
import { client, useGet } from "../api";
import { span } from "../clock";
import { Panel, Time } from "../ui";
import { number, words } from "../words";
import type { MessageView } from "./message";

interface Gate {
  name: string;
  /** The values of waits_for that this gate has. */
  holds: string[];
  /** Holds the message although waits_for names another gate first. */
  closed?: boolean;
  detail?: ReactNode;
  /** When it is tried again, if this is what the message waits for. */
  next?: string | null;
}

/** What a message waits for, as a name. */
const names: Record<string, string> = {
  send_at: "its time",
  paused: "its channel",
  circuit: "the circuit",
  rate: "the rate",
  spacing: "recipient spacing",
  window: "the conversation window",
  retry: "its next try",
  canary: "the canary",
  budget: "the messaging limit",
  worker: "a worker",
};

const sentences: Record<string, string> = {
  send_at: "its time has not come.",
  paused: "its channel is paused or disabled.",
  circuit: "the provider has failed too often; the channel is tried again from time to time.",
  rate: "the channel sends at its rate, and others are before it.",
  spacing: "another message went to the same recipient a moment ago.",
  quiet_hours: "it is night for the recipient.",
  window: "the recipient has not written within the last 24 hours.",
  campaign: "its campaign is paused.",
  canary: "the first messages of its campaign are watched before the rest goes out.",
  budget: "the messaging limit of the sender is used up for now.",
  retry: "the last call failed, or its outcome is looked for.",
  worker: "a worker takes it as soon as one is free. If it stays here, start sendoff work.",
};

/** The gates in their order. */
function gatesOf(m: MessageView, c: Channel | undefined, suppressed: boolean): Gate[] {
  const health = c?.health;
  const rate = c?.send_rate;
  const spacing = c?.policy?.recipient_spacing_s;
  return [
    { name: "Time to send", holds: ["send_at"], detail: m.send_at ? <Time at={m.send_at} relative /> : "at once" },
    {
      name: "Channel enabled",
      holds: ["paused"],
      closed: c?.enabled === false || health?.state === "paused",
      detail: c && (c.enabled ? health?.state === "paused" && (health.reason ?? "paused") : "disabled"),
    },
    {
      name: "Circuit",
      holds: ["circuit"],
      closed: health?.state === "open",
      detail: health?.state === "open" && health.reason,
      next: health?.probe_at,
    },
    {
      name: "Rate",
      holds: ["rate"],
      detail: rate && `${number(rate.effective)} messages a second`,
      next: rate?.blocked_until,
    },
    { name: "Recipient spacing", holds: ["spacing"], detail: spacing ? `${span(spacing)} between messages to one recipient` : "none" },
    { name: "Quiet hours", holds: ["quiet_hours"] },
    {
      name: "Conversation window",
      holds: ["window"],
      detail: m.type === "template" ? "not needed for a template" : c?.kind === "sms" ? "not needed for SMS" : undefined,
    },
    { name: "Campaign", holds: ["campaign", "canary", "budget"] },
    { name: "Suppression", holds: [], closed: suppressed, detail: suppressed ? "the recipient is suppressed" : "not suppressed" },
    { name: "Retry", holds: ["retry"], detail: m.attempts ? `${m.attempts} ${m.attempts === 1 ? "call" : "calls"} so far` : undefined },
    { name: "Worker", holds: ["worker"] },
    {
      name: "Expiry",
      holds: [],
      closed: !!m.expires_at && Date.parse(m.expires_at) < Date.now(),
      detail: m.expires_at && <Time at={m.expires_at} relative />,
    },
  ];
}

/** The gates that a message passes, each with what holds it there and the next time. */
export function WhyNotYet({ message: m }: { message: MessageView }) {
  const channel = useGet(["channel", m.channel_id], () => getChannelsId({ client, path: { id: m.channel_id } }), { every: 5000 });
  const suppressed = useGet(["suppressed", m.to], () => getSuppressions({ client, query: { search: m.to ?? "" } }), { enabled: !!m.to });
  const gates = gatesOf(m, channel.data, !!suppressed.data?.data?.some((s) => s.phone === m.to));
  const w = m.waits_for ?? "";
  const at = gates.findIndex((g) => g.holds.includes(w));
  return (
    <Panel title="Why not yet?">
      <div className="stack">
        <p>
          {w ? (
            <>
              It waits for <strong>{names[w] ?? words(w)}</strong>: {sentences[w]}
            </>
          ) : (
            "It is on its way."
          )}
          {m.next_attempt_at && (
            <>
              {" "}
              Next try: <Time at={m.next_attempt_at} relative />
            </>
          )}
        </p>
        <ol className="gates">
          {gates.map((g, i) => {
            const holds = i === at || g.closed;
            const next = i === at ? (m.next_attempt_at ?? g.next) : holds ? g.next : undefined;
            return (
              <li key={g.name}>
                {holds ? (
                  <span className="badge warn">waits</span>
                ) : at >= 0 && i > at ? (
                  <span className="badge">to come</span>
                ) : (
                  <span className="badge good">passed</span>
                )}
                <span>
                  {g.name} <span className="soft">{g.detail}</span>
                  {next && g.name !== "Time to send" && (
                    <span>
                      {" "}
                      until <Time at={next} relative />
                    </span>
                  )}
                </span>
              </li>
            );
          })}
        </ol>
      </div>
    </Panel>
  );
}
