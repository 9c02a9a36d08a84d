/** Returns a name of the API as words: quiet_hours is "quiet hours". */
export const words = (name?: string | null) => (name ?? "").replaceAll("_", " ");

const made: Intl.NumberFormat[] = []; // by digits

/** Formats a number with at most so many digits after the point; an absent one is a dash. */
export function number(n?: number | null, digits = 3): string {
  if (n == null) return "–";
  made[digits] ??= new Intl.NumberFormat("en", { maximumFractionDigits: digits });
  return made[digits].format(n);
}

/** Returns a word with a capital letter at its beginning. */
export const upper = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Groups the digits of an amount, which may have more of them than a number keeps. */
export function amount(value?: string | number | null): string {
  const [whole, part] = String(value ?? 0).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
}
