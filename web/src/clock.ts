import { useSyncExternalStore } from "react";

// One switch for every time on every page: UTC, or the browser's zone.
const listeners = new Set<() => void>();
let zone: "utc" | "mine" = "mine";
try {
  if (localStorage.getItem("zone") === "utc") zone = "utc";
} catch {}

// What a page shows whose URL names no zone.
const preferred = zone;
showZoneOf(new URLSearchParams(location.search).get("zone"));

/** Shows times in the zone of the page's URL, ?zone=utc or ?zone=mine. */
export function showZoneOf(asked?: string | null) {
  zone = asked === "utc" || asked === "mine" ? asked : preferred;
  for (const l of listeners) l();
}

/** Keeps the zone for the next visit. */
export function keepZone(next: string) {
  try {
    localStorage.setItem("zone", next);
  } catch {}
}

export function useZone(): "utc" | "mine" {
  return useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => zone,
  );
}

export const mine = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Returns a formatter of times for each zone. One takes longer to make than a hundred times to format, so it is made once. */
export function formatter(locale: string, options: Intl.DateTimeFormatOptions): (at: Date, which: "utc" | "mine") => string {
  const made: Partial<Record<"utc" | "mine", Intl.DateTimeFormat>> = {};
  return (at, which) => {
    made[which] ??= new Intl.DateTimeFormat(locale, { timeZone: which === "utc" ? "UTC" : mine, ...options });
    return made[which].format(at);
  };
}

const full = formatter("en-GB", {
  year: "numeric",
  month: "short",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  timeZoneName: "short",
});

/** Formats a time with its zone. */
export function format(at: string | Date, which: "utc" | "mine"): string {
  const d = new Date(at);
  return Number.isNaN(d.getTime()) ? "" : full(d, which);
}

/** Formats a span of seconds in the largest unit that fits. */
export function span(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 90) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function until(at: string): string {
  const s = (new Date(at).getTime() - Date.now()) / 1000;
  if (Math.abs(s) < 1) return "now";
  return s > 0 ? `in ${span(s)}` : `${span(-s)} ago`;
}

// Spans until a time are shown anew twice a minute, while there are any.
const spans = new Set<() => void>();
let ticks = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function tick() {
  ticks++;
  for (const s of spans) s();
}

/** Renders what shows a span of time anew as the time passes. */
export function useMinutes() {
  useSyncExternalStore(
    (s) => {
      spans.add(s);
      timer ??= setInterval(tick, 30_000);
      return () => {
        spans.delete(s);
        if (spans.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    () => ticks,
  );
}

/** Formats a time for an input of type datetime-local, in the browser's zone, to the minute or the second. */
export function localInput(at: string | number, seconds = false): string {
  const d = new Date(at);
  return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, seconds ? 19 : 16);
}
