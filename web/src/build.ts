// Whether the server has another dashboard than this tab: after an upgrade, or a step back.
import { useSyncExternalStore } from "react";

const entry = /<script type="module"[^>]* src="([^"]+)"/;
const own = document.querySelector('script[type="module"][src]')?.getAttribute("src");
const listeners = new Set<() => void>();
let stale = false;

/** Reports whether the server had another dashboard when it was last asked. */
export const isStale = () => stale;

/** Asks the server which dashboard it has. */
export async function checkBuild() {
  if (stale) return;
  try {
    const answer = await fetch("/", { cache: "no-store" });
    const now = answer.ok ? entry.exec(await answer.text())?.[1] : undefined;
    if (!now || !own || now === own) return;
  } catch {
    return; // away: asked again later
  }
  stale = true;
  for (const l of listeners) l();
}

export function useStale(): boolean {
  return useSyncExternalStore((l) => {
    listeners.add(l);
    return () => listeners.delete(l);
  }, isStale);
}

const look = () => document.visibilityState === "visible" && checkBuild();
document.addEventListener("visibilitychange", look);
setInterval(look, 60_000);
