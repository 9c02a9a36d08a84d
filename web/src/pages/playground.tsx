import { getContacts, getMessagesId, getPlayground, postPlayground } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { useChannels, useKeys } from "../all";
import { client, useGet, useSession } from "../api";
import { codeFor } from "../code";
import { idIn } from "../ids";
import { bodyFor, type Choice, type Endpoint, pathFor, recipientOf } from "../playground";
import { useUrl } from "../search";
import { useTemplate } from "../template-choice";
import { Badge, Copy, Dialog, ErrorBox, Field, Json, Page, Panel } from "../ui";

interface Answer {
  status?: number;
  body?: unknown;
  duration_ms?: number;
  simulate?: boolean;
}

const nameOf = (r: Endpoint) => `${r.method} ${r.path}`;

/** Reads JSON that somebody typed; its error tells where it breaks off. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (e) {
    throw { title: "Not JSON", status: 0, code: "malformed", detail: `The request body is not JSON: ${(e as Error).message}` };
  }
}

/** What is sent for a body: JSON, or the fields of a form. */
const encoded = (route: Endpoint, body: string) =>
  route.form ? new URLSearchParams(parse(body) as Record<string, string>).toString() : parse(body);

export function Playground() {
  const [url] = useUrl();
  const keys = useKeys();
  const endpoints = useGet(["endpoints"], () => getPlayground({ client }));
  const channels = useChannels();
  const contacts = useGet(["contacts", "first"], () => getContacts({ client, query: { limit: 50 } }));
  const session = useSession();
  const [chosen, choose] = useState<{ key?: number; channel?: number; endpoint: string; to: string }>(() => ({
    endpoint: "POST /v1/messages",
    to: "+15550000100",
    channel: Number(url.channel) || undefined,
  }));
  const { template, ...templates } = useTemplate({ changed: () => change({}) });
  // A body that was typed, or came with the URL, until something else is chosen.
  const [typed, setTyped] = useState<string | undefined>(() => (url.body ? pretty(url.body) : undefined));
  const [typedPath, setTypedPath] = useState<string>();
  const [real, setReal] = useState(false);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState<unknown>();

  const usable = useMemo(() => (keys.data?.data ?? []).filter((k) => k.active), [keys.data]);
  const routes: Endpoint[] = endpoints.data?.data ?? [];
  const route = routes.find((r) => nameOf(r) === chosen.endpoint);
  const allChannels = channels.data?.data ?? [];
  const key = chosen.key ?? (usable.find((k) => !k.test) ?? usable[0])?.id ?? 0;
  const channel = allChannels.find((c) => c.id === chosen.channel) ?? allChannels.find((c) => c.default) ?? allChannels[0];
  const choice: Choice = { template, channel, channels: allChannels, to: chosen.to, account: session.data?.account?.sid ?? "" };
  const ready = !!route && templates.ready && channels.isFetched;
  const body = !ready ? "" : route.method === "GET" ? "" : (typed ?? bodyFor(route, choice));
  const path = !ready ? "" : (typedPath ?? pathFor(route, choice));
  const change = (what: Partial<typeof chosen>) => {
    choose({ ...chosen, ...what });
    setTyped(undefined);
    setTypedPath(undefined);
  };

  const run = async () => {
    if (!route) return;
    setAsking(false);
    setBusy(true);
    setError(undefined);
    try {
      const { data } = await postPlayground({
        client,
        body: {
          key_id: key,
          method: route.method === "GET" ? "GET" : "POST",
          path,
          body: route.method === "POST" ? encoded(route, body) : undefined,
          simulate: !real,
        },
      });
      setAnswer(data);
    } catch (e) {
      setAnswer(undefined);
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const id = idIn(JSON.stringify(answer?.body ?? ""));
  const samples = codeFor(route ?? {}, path, body, location.origin);
  const viewer = session.data?.role === "viewer";
  return (
    <Page title="Playground">
      <ErrorBox error={keys.error ?? endpoints.error} retry={() => keys.refetch()} />
      {keys.data && usable.length === 0 && (
        <p className="note warn">
          There is no active API key. <Link to="/keys">Create one</Link> first.
        </p>
      )}
      {channels.data && allChannels.length === 0 && (
        <p className="note warn">
          There is no channel to send through. <Link to="/channels">Create one</Link> first.
        </p>
      )}
      <div className="grid2 top-aligned">
        <Panel label="Request">
          <div className="stack">
            <div className="fields2">
              <Field label="API key">
                <select value={key} onChange={(e) => choose({ ...chosen, key: Number(e.target.value) })}>
                  {usable.map((k) => (
                    <option key={k.id} value={k.id}>
                      {k.name} ({k.prefix}…)
                    </option>
                  ))}
                </select>
              </Field>
              <Field label="Endpoint">
                <select value={chosen.endpoint} onChange={(e) => change({ endpoint: e.target.value })}>
                  {[...new Set(routes.map((r) => r.format))].map((format) => (
                    <optgroup key={format} label={format ?? ""}>
                      {routes
                        .filter((r) => r.format === format)
                        .map((r) => (
                          <option key={nameOf(r)} value={nameOf(r)}>
                            {nameOf(r)}
                          </option>
                        ))}
                    </optgroup>
                  ))}
                </select>
              </Field>
              {templates.field}
              <Field label="Channel">
                <select value={channel?.id ?? 0} onChange={(e) => change({ channel: Number(e.target.value) })}>
                  {allChannels.map((x) => (
                    <option key={x.id} value={x.id}>
                      {x.name} ({x.sender})
                    </option>
                  ))}
                </select>
              </Field>
              <Field label="Recipient">
                <input list="recipients" value={chosen.to} onChange={(e) => change({ to: e.target.value })} />
              </Field>
              <Field label="Path">
                <input className="mono" value={path} onChange={(e) => setTypedPath(e.target.value)} />
              </Field>
            </div>
            <datalist id="recipients">
              {(contacts.data?.data ?? []).map((x) => (
                <option key={x.id} value={x.phone ?? ""}>
                  {x.name}
                </option>
              ))}
            </datalist>
            <Field label="Request body">
              <textarea
                rows={16}
                spellCheck={false}
                value={body}
                disabled={route?.method === "GET"}
                onChange={(e) => setTyped(e.target.value)}
              />
            </Field>
            <fieldset className="row">
              <legend className="sr">What happens</legend>
              <label className="check">
                <input type="radio" name="mode" checked={!real} onChange={() => setReal(false)} /> Simulate only
              </label>
              <label className="check">
                <input type="radio" name="mode" checked={real} disabled={viewer} onChange={() => setReal(true)} /> Send real message
              </label>
              <button
                type="button"
                className="btn primary"
                aria-disabled={busy}
                disabled={!key || !ready}
                onClick={() => (busy ? undefined : real && route?.sends ? setAsking(true) : run())}
              >
                Run
              </button>
            </fieldset>
            {viewer && <p className="soft">Your role may simulate, and not send.</p>}
          </div>
        </Panel>
        <div className="stack">
          <section className="panel" aria-label="Response" aria-live="polite">
            <h2>Response</h2>
            <ErrorBox error={error} />
            {answer ? (
              <div className="stack">
                <div className="row">
                  <Badge tone={(answer.status ?? 500) < 300 ? "good" : "bad"}>{String(answer.status)}</Badge>
                  <span className="soft">{answer.duration_ms?.toFixed(1)} ms</span>
                  {answer.simulate && <Badge tone="info">simulated</Badge>}
                </div>
                <Json value={answer.body} label="Answer" />
                {id && !answer.simulate && <Follow id={id} />}
              </div>
            ) : (
              !error && <p className="soft">Run shows the answer here. Nothing is sent as long as “Simulate only” is chosen.</p>
            )}
          </section>
          <section className="panel" aria-label="curl">
            <h2>curl</h2>
            <div className="stack">
              <Json value={samples.curl} label="Command line" />
              <div>
                <Copy text={samples.curl} label="Copy curl" />
              </div>
            </div>
          </section>
          <Code samples={samples} />
        </div>
      </div>
      {ready && <SideBySide routes={routes} choice={choice} />}
      {asking && <Confirm to={recipientOf(body) ?? chosen.to} run={run} close={() => setAsking(false)} />}
    </Page>
  );
}

function pretty(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}

const languages = { go: "Go", node: "Node", python: "Python" } as const;

function Code({ samples }: { samples: Record<keyof typeof languages, string> }) {
  const [shown, show] = useState<keyof typeof languages>("go");
  return (
    <Panel title="Code">
      <div className="stack">
        <div className="row">
          <label>
            <span className="sr">Language</span>
            <select value={shown} onChange={(e) => show(e.target.value as keyof typeof languages)}>
              {Object.entries(languages).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <Copy text={samples[shown]} label="Copy code" />
        </div>
        <Json value={samples[shown]} label="Code sample" />
      </div>
    </Panel>
  );
}

/** The same message in the format of every vendor. */
function SideBySide({ routes, choice }: { routes: Endpoint[]; choice: Choice }) {
  const first = routes.filter((r, i) => r.sends && routes.findIndex((x) => x.sends && x.format === r.format) === i);
  return (
    <Panel title="The same message in every format">
      <div className="grid3">
        {first.map((r) => (
          <div key={nameOf(r)}>
            <h3>
              {r.format} <code className="soft">{nameOf(r)}</code>
            </h3>
            <Json value={bodyFor(r, choice)} label={`Body for ${r.format}`} />
          </div>
        ))}
      </div>
    </Panel>
  );
}

/** Asks for the number again before something is sent. */
function Confirm({ to, run, close }: { to: string; run: () => void; close: () => void }) {
  const [typed, setTyped] = useState("");
  const digits = (s: string) => s.replace(/\D/g, "");
  return (
    <Dialog title="Send a real message?" onClose={close}>
      <p>
        It goes to <strong>{to}</strong>. Type the number again to confirm.
      </p>
      <Field label="Number">
        <input value={typed} inputMode="tel" onChange={(e) => setTyped(e.target.value)} />
      </Field>
      <div className="row">
        <button type="button" className="btn primary" disabled={digits(typed) !== digits(to)} onClick={run}>
          Send
        </button>
        <button type="button" className="btn" onClick={close}>
          Cancel
        </button>
      </div>
    </Dialog>
  );
}

function Follow({ id }: { id: string }) {
  const message = useGet(["message", id], () => getMessagesId({ client, path: { id } }), { every: 1000 });
  return (
    <p className="row">
      Now: <Badge>{message.data?.status ?? "queued"}</Badge>
      <Link to="/messages/$id" params={{ id }}>
        Timeline of the message
      </Link>
    </p>
  );
}
