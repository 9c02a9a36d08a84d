// TypeScript client of Sendoff's API. The functions and types in ./api are
// generated from its OpenAPI description (`make client`).
import { type Client, createClient } from "./api/client/index.js";

export * from "./api/index.js";
export type { Client } from "./api/client/index.js";

/** Options of createSendoff. */
export interface SendoffOptions {
  /** Address of the API, such as https://sendoff.example.com. */
  baseUrl: string;
  /** An API key. Without one, a browser's session is used. */
  apiKey?: string;
  /** How often a request is repeated that may be repeated safely. Default: 2. */
  retries?: number;
  fetch?: typeof fetch;
}

/** An error that the API answered, in the form of RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  errors?: { pointer: string; detail: string }[];
  request_id?: string;
}

const idempotency = "Idempotency-Key";

/** Reports whether a request sends messages: the API then takes an Idempotency-Key. */
function sends(request: Request): boolean {
  return request.method === "POST" && /\/v1\/messages(\/batch)?$/.test(new URL(request.url).pathname);
}

/** Reports whether a repeat of a request does nothing more than the first one. */
function repeatable(request: Request): boolean {
  return request.method === "GET" || request.headers.has(idempotency);
}

/** Milliseconds to wait before the next try: what the server asks for, or 200 ms, 400 ms, ... */
function pause(response: Response | undefined, tries: number): number {
  const seconds = Number(response?.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds * 1000, 30_000) : 200 * 2 ** tries;
}

/**
 * Returns fetch with an Idempotency-Key on every request that sends, and with
 * repeats after a lost connection, a 429 or a 503. A request without that key
 * that changes something is never repeated.
 */
function careful(base: typeof fetch, retries: number): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    if (sends(request) && !request.headers.has(idempotency)) request.headers.set(idempotency, crypto.randomUUID());
    for (let tries = 0; ; tries++) {
      let response: Response | undefined;
      try {
        response = await base(request.clone());
        if (response.status !== 429 && response.status !== 503) return response;
      } catch (error) {
        if (request.signal.aborted || tries >= retries || !repeatable(request)) throw error;
      }
      if (tries >= retries || !repeatable(request)) return response!;
      await new Promise((resolve) => setTimeout(resolve, pause(response, tries)));
    }
  };
}

/** Returns a client, to be given to the generated functions: getKeys({ client }). */
export function createSendoff(options: SendoffOptions): Client {
  return createClient({
    baseUrl: options.baseUrl,
    auth: options.apiKey,
    throwOnError: true,
    fetch: careful(options.fetch ?? fetch, options.retries ?? 2),
  });
}
