import { getChannels, getContacts, getKeys, getMessagesId, getPlayground, getSession, getTemplates, postPlayground } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { client, useGet } from "../api";
import { bodyFor, codeFor, pathFor } from "../playground";
import { useUrl } from "../search";
import { Badge, Copy, Dialog, ErrorBox, Field, Json, Page, Panel } from "../ui";

interface Answer {
  status?: number;
  body?: unknown;
  duration_ms?: number;
  simulate?: boolean;
}

export function Playground() {
  const [url] = useUrl();
  const keys = useGet(["keys"], () => getKeys({ client }));
  const endpoints = useGet(["endpoints"], () => getPlayground({ client }));
  const templates = useGet(["templates", "all"], () => getTemplates({ client, query: { limit: 100 } as never }));
  const channels = useGet(["channels"], () => getChannels({ client }));
  const contacts = useGet(["contacts", "first"], () => getContacts({ client, query: { limit: 50 } as never }));
  const session = useGet(["session"], () => getSession({ client }));
  const [key, setKey] = useState(0);
  const [endpoint, setEndpoint] = useState("POST /v1/messages");
  const [template, setTemplate] = useState(0);
  const [channel, setChannel] = useState(0);
  const [to, setTo] = useState("+15550000100");
  const [body, setBody] = useState(url.body ? JSON.stringify(JSON.parse(url.body), null, 2) : "");
  const [path, setPath] = useState("/v1/messages");
  const [real, setReal] = useState(false);
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState<Answer>();
  const [error, setError] = useState<unknown>();
  const [code, setCode] = useState("curl");

  const usable = useMemo(() => (keys.data?.data ?? []).filter((k) => k.active), [keys.data]);
  const routes = endpoints.data?.data ?? [];
  const route = routes.find((r) => `${r.method} ${r.path}` === endpoint);
  const t = (templates.data?.data ?? []).find((x) => x.id === template);
  const c = (channels.data?.data ?? []).find((x) => x.id === channel);

  useEffect(() => {
    if (!key && usable.length) setKey((usable.find((k) => !k.test) ?? usable[0]).id ?? 0);
  }, [usable, key]);
  useEffect(() => {
    const all = templates.data?.data ?? [];
    if (!template && all.length) setTemplate((all.find((x) => x.name === "order_confirmation") ?? all[0]).id ?? 0);
  }, [templates.data, template]);
  useEffect(() => {
    const all = channels.data?.data ?? [];
    if (!channel && all.length) setChannel((all.find((x) => x.default) ?? all[0]).id ?? 0);
  }, [channels.data, channel]);
  // The body is made anew when what it is made of changes.
  useEffect(() => {
    if (!route || !session.data) return;
    const made = { route, template: t, channel: c, to, account: session.data.account?.sid ?? "" };
    setPath(pathFor(made));
    if (route.method === "POST" && !(url.body && endpoint === "POST /v1/messages")) setBody(bodyFor(made));
  }, [route, t, c, to, session.data, endpoint, url.body]);

  const run = async () => {
    setAsking(false);
    setBusy(true);
    setError(undefined);
    try {
      let sent: unknown = body;
      if (route?.method === "POST" && !route.form) {
        try {
          sent = JSON.parse(body);
        } catch (e) {
          throw { title: "Not JSON", status: 0, code: "malformed", detail: `The body is not JSON: ${(e as Error).message}` };
        }
      } else if (route?.form) sent = new URLSearchParams(JSON.parse(body)).toString();
      const { data } = await postPlayground({
        client,
        body: {
          key_id: key,
          method: (route?.method ?? "POST") as "GET" | "POST",
          path,
          body: route?.method === "POST" ? sent : undefined,
          simulate: !real,
        } as never,
      });
      setAnswer(data as Answer);
    } catch (e) {
      setAnswer(undefined);
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const id = messageID(answer?.body);
  const samples = route ? codeFor(route, path, body, location.origin) : { curl: "", go: "", node: "", python: "" };
  const viewer = session.data?.role === "viewer";
  return (
    <Page title="Playground">
      <ErrorBox error={keys.error ?? endpoints.error} retry={() => keys.refetch()} />
      {keys.data && usable.length === 0 && (
        <p className="note warn">
          There is no active API key. <Link to="/keys">Create one</Link> first.
        </p>
      )}
      <div className="grid2">
        <Panel label="Request">
          <div className="stack">
            <div className="grid2">
              <Field label="API key">
                <select value={key} onChange={(e) => setKey(Number(e.target.value))}>
                  {usable.map((k) => (
                    <option key={k.id} value={k.id}>
                      {k.name} ({k.prefix}…)
                    </option>
                  ))}
                </select>
              </Field>
              <Field label="Endpoint">
                <select value={endpoint} onChange={(e) => setEndpoint(e.target.value)}>
                  {[...new Set(routes.map((r) => r.format))].map((format) => (
                    <optgroup key={format} label={format ?? ""}>
                      {routes
                        .filter((r) => r.format === format)
                        .map((r) => (
                          <option key={`${r.method} ${r.path}`} value={`${r.method} ${r.path}`}>
                            {r.method} {r.path}
                          </option>
                        ))}
                    </optgroup>
                  ))}
                </select>
              </Field>
              <Field label="Template">
                <select value={template} onChange={(e) => setTemplate(Number(e.target.value))}>
                  {(templates.data?.data ?? []).map((x) => (
                    <option key={x.id} value={x.id}>
                      {x.name} ({x.language})
                    </option>
                  ))}
                </select>
              </Field>
              <Field label="Channel">
                <select value={channel} onChange={(e) => setChannel(Number(e.target.value))}>
                  {(channels.data?.data ?? []).map((x) => (
                    <option key={x.id} value={x.id}>
                      {x.name} ({x.sender})
                    </option>
                  ))}
                </select>
              </Field>
              <Field label="Recipient">
                <input list="recipients" value={to} onChange={(e) => setTo(e.target.value)} />
              </Field>
              <Field label="Path">
                <input className="mono" value={path} onChange={(e) => setPath(e.target.value)} />
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
                value={route?.method === "GET" ? "" : body}
                disabled={route?.method === "GET"}
                onChange={(e) => setBody(e.target.value)}
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
                disabled={busy || !key || !route}
                onClick={() => (real && route?.sends ? setAsking(true) : run())}
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
            <Json value={samples.curl} label="curl command" />
            <Copy text={samples.curl} />
          </section>
          <Panel title="Code">
            <div className="stack">
              <label>
                <span className="sr">Language</span>
                <select value={code} onChange={(e) => setCode(e.target.value)}>
                  <option value="curl">curl</option>
                  <option value="go">Go</option>
                  <option value="node">Node</option>
                  <option value="python">Python</option>
                </select>
              </label>
              <Json value={samples[code as keyof typeof samples]} label="Code sample" />
            </div>
          </Panel>
        </div>
      </div>
      <Panel title="The same message in every format">
        <div className="grid2">
          {routes
            .filter((r) => r.sends)
            .map((r) => {
              const made = { route: r, template: t, channel: c, to, account: session.data?.account?.sid ?? "" };
              return (
                <div key={`${r.method} ${r.path}`}>
                  <h3>
                    {r.format}{" "}
                    <code className="soft">
                      {r.method} {r.path}
                    </code>
                  </h3>
                  <Json value={bodyFor(made)} label={`Body for ${r.format} ${r.path}`} />
                </div>
              );
            })}
        </div>
      </Panel>
      {asking && <Confirm to={to} run={run} close={() => setAsking(false)} />}
    </Page>
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

/** Finds the id of the message that an answer of any format names. */
function messageID(body: unknown): string | undefined {
  const text = JSON.stringify(body ?? "");
  const plain = text.match(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/)?.[0];
  if (plain) return plain;
  return text.match(/SM([0-9a-f]{32})/)?.[1].replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
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
