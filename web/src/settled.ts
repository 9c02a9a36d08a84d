// Which messages something still happens to.
export const unfinished = ["scheduled", "queued", "sending"];

/** The time in which receipts come, in ms: what comes later is shown at its event, or at the next read. */
const receipts = 60_000;

/** How often a message and what happened to it are read, in ms, besides at its events. */
export function everyOf(m?: { status?: string; sent_at?: string }): number {
  const fresh = m?.status === "sent" && m.sent_at && Date.now() - Date.parse(m.sent_at) < receipts;
  return !m?.status || unfinished.includes(m.status) || fresh ? 3000 : 30_000;
}
