import { queries } from "./api";
import { checkBuild } from "./build";

// One event stream a browser: the tab that holds the lock reads it and tells the
// others. When that tab closes, the lock passes on and the next resumes after the
// last id that it has seen. Much traffic comes as events.skipped: how many events of
// each type were left out.
export interface LiveEvent {
  type: string;
  id: string;
  data: { message_id?: string; campaign_id?: number; status?: string; counts?: Record<string, number> };
}

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
const channel = new BroadcastChannel("sendoff-events");
let last = "";

channel.onmessage = (m: MessageEvent<LiveEvent>) => publish(m.data);

function publish(event: LiveEvent) {
  last = event.id || last;
  for (const l of listeners) l(event);
}

const names = [
  ..."scheduled queued sending sent delivered read failed expired cancelled unknown inbound".split(" ").map((s) => `message.${s}`),
  "campaign.progress",
  "campaign.finished",
  "channel.paused",
  "channel.resumed",
  "events.skipped",
];

let started = false;

/** Starts to follow the account's events. */
export function follow() {
  if (started || !("locks" in navigator)) return;
  started = true;
  navigator.locks.request("sendoff-events", () => new Promise<void>(lead));
}

function lead() {
  const source = new EventSource(`/v1/events?summary=true${last ? `&last_event_id=${encodeURIComponent(last)}` : ""}`);
  const take = (name: string) => (e: MessageEvent<string>) => {
    const event: LiveEvent = { type: name, id: e.lastEventId, data: {} };
    try {
      event.data = JSON.parse(e.data);
    } catch {}
    publish(event);
    channel.postMessage(event);
  };
  for (const name of names) source.addEventListener(name, take(name));
  // The stream ends with the server: what answers next may be another version.
  source.addEventListener("error", () => source.addEventListener("open", checkBuild, { once: true }));
}

export function listen(l: Listener): () => void {
  listeners.add(l);
  return () => listeners.delete(l);
}

/** Returns how many events of a type an event stands for. */
export const countOf = (e: LiveEvent, type: string) => (e.type === type ? 1 : (e.data.counts?.[type] ?? 0));

// What is on the page is read again at most every two seconds.
let _due: ReturnType<typeof setTimeout> | undefined;
listen((event) => {
  if (event.data.message_id) queries.invalidateQueries({ queryKey: ["message", event.data.message_id] });
  _due ??= setTimeout(() => {
    _due = undefined;
    queries.invalidateQueries({ queryKey: ["stats"] });
    if (event.type.startsWith("campaign.")) queries.invalidateQueries({ queryKey: ["campaign"] });
  }, 2000);
});
