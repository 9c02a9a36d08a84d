/** Returns a name of the API as words: quiet_hours is "quiet hours". */
export const words = (name?: string | null) => (name ?? "").replaceAll("_", " ");

const made: Intl.NumberFormat[] = []; // by digits

/** Formats a number with at most so many digits after the point; an absent one is a dash. */
export function number(n?: number | null, digits = 3): string {
  if (n == null) return "–";
  made[digits] ??= new Intl.NumberFormat("en", { maximumFractionDigits: digits });
  return made[digits].format(n);
}
