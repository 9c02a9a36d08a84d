import { createSendoff, getSession, type Problem } from "@sendoff/client";
import { QueryCache, QueryClient, queryOptions, useQuery } from "@tanstack/react-query";

/** The client with which the dashboard does everything; the session is a cookie. */
export const client = createSendoff({ baseUrl: location.origin });

export const queries: QueryClient = new QueryClient({
  // Who is signed out on the way is asked to sign in again, wherever that shows first.
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (problemOf(error).status === 401 && query.queryKey[0] !== "session") queries.invalidateQueries({ queryKey: ["session"] });
    },
  }),
  defaultOptions: { queries: { retry: false, staleTime: 2000, refetchOnWindowFocus: false } },
});

/** Reads something, kept under key until it changes. */
export function useGet<T>(
  key: unknown[],
  read: () => Promise<{ data: T }>,
  options: { every?: number | ((data?: T) => number); enabled?: boolean } = {},
) {
  return useQuery(
    queryOptions({
      queryKey: key,
      queryFn: async () => (await read()).data,
      refetchInterval:
        typeof options.every === "function"
          ? (q) => (options.every as (data?: T) => number)(q.state.data as T | undefined)
          : (options.every ?? false),
      enabled: options.enabled ?? true,
      placeholderData: (before) => before,
    }),
  );
}

/** How often a page of a list is read on while it is empty and not the last one. */
const readsOn = 5;

/** Reads a page of a list. The server looks at a part of a long list for what is rare: while it has found nothing, the next parts are read too. */
export async function readOn<P extends { data?: unknown[]; next_cursor?: string }>(
  cursor: string | undefined,
  read: (cursor?: string) => Promise<{ data: P }>,
): Promise<{ data: P }> {
  let page = await read(cursor);
  for (let n = 1; n < readsOn && page.data.next_cursor && !page.data.data?.length; n++) page = await read(page.data.next_cursor);
  return page;
}

/** The most entries of a list that a choice offers. */
const choices = 5000;

/** Reads a whole list, for a choice of its entries, in few large pages. */
export async function readAll<T>(
  read: (page: { limit: number; cursor?: string }) => Promise<{ data: { data?: T[]; next_cursor?: string } }>,
): Promise<{ data: { data: T[] } }> {
  const all: T[] = [];
  for (let cursor: string | undefined; all.length < choices; ) {
    const { data } = await read({ limit: 1000, cursor });
    all.push(...(data.data ?? []));
    cursor = data.next_cursor;
    if (!cursor) break;
  }
  return { data: { data: all } };
}

export function useSession() {
  return useGet(["session"], () => getSession({ client }));
}

/** Reports whether the signed-in user has a permission. */
export function useCan(permission: string): boolean {
  return useSession().data?.can?.includes(permission) ?? false;
}

/** Returns an error as the problem that the API answered. */
export function problemOf(error: unknown): Problem {
  if (error && typeof error === "object" && "detail" in error) return error as Problem;
  return { title: "No answer", status: 0, code: "unreachable", detail: "The server did not answer. Check that it runs, and try again." };
}
