// {{field}} and {{field|default}} of a campaign's text, for the preview: the
// server fills in what is sent.
export type Row = Record<string, string>;

/** Fills in a row's fields; a missing one is left as it stands. */
export function merge(text: string, row: Row): string {
  return text.replace(/\{\{\s*([^{}|]+?)\s*(?:\|([^{}]*))?\}\}/g, (whole, field: string, other?: string) => row[field] || (other ?? whole));
}

/** Returns the fields that a row lacks. */
export function missing(text: string, row: Row): string[] {
  return [...text.matchAll(/\{\{\s*([^{}|]+?)\s*(\|[^{}]*)?\}\}/g)].filter((m) => !m[2] && !row[m[1]]).map((m) => m[1]);
}

/** Proposes the placeholder of a template's variable: the field of its name, or of a part of it. */
export function propose(variable: string, fields: string[]): string {
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const part = (a: string, b: string) => a.length > 2 && b.toLowerCase().includes(a.toLowerCase());
  const field = fields.find((f) => same(f, variable)) ?? fields.find((f) => part(f, variable) || part(variable, f));
  return `{{${field ?? variable}}}`;
}
