import { useNavigate, useSearch } from "@tanstack/react-router";

/** The state of a page that stands in its URL: filters, tab, cursor. */
export function useUrl(): [Record<string, string | undefined>, (change: Record<string, string | undefined>) => void] {
  const search = useSearch({ strict: false }) as Record<string, string | undefined>;
  const navigate = useNavigate();
  return [search, (change) => navigate({ to: ".", search: { ...search, ...change } as never })];
}
