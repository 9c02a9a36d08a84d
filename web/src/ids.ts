// Ids of our messages are UUIDs of version 7. In Twilio's format they are SM and the 32 digits: Twilio's own
// ids look the same, but have no 7 in that place.

/** Finds the id of a message in an answer, or in what was pasted: an id, an SM id or a line of a log. */
export function idIn(text: string): string | undefined {
  const ours = text.match(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/i)?.[0];
  if (ours) return ours.toLowerCase();
  const sm = text.match(/\bSM([0-9a-f]{12}7[0-9a-f]{19})\b/i)?.[1];
  return sm?.toLowerCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
