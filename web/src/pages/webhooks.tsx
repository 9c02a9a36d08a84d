import {
  deleteWebhooksId,
  getWebhooks,
  patchWebhooksId,
  postWebhooks,
  postWebhooksIdReplay,
  postWebhooksIdRotate,
  postWebhooksIdTest,
  type Webhook,
  type WebhookCreate,
} from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { localInput, mine } from "../clock";
import { useUrl } from "../search";
import { Act, ask, Badge, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Table, Time } from "../ui";
import { Deliveries } from "./deliveries";
import { Secret } from "./keys";

const again = () => queries.invalidateQueries({ queryKey: ["webhooks"] });

export function Webhooks() {
  const [url, setUrl] = useUrl();
  const list = useGet(["webhooks"], () => getWebhooks({ client }), { every: 10_000 }); // an account has at most 20
  const manage = useCan("manage");
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState("");
  const [replaying, setReplaying] = useState<Webhook>();
  const all = list.data?.data ?? [];
  // The endpoint whose deliveries are shown stands alone above them.
  const shown = all.find((w) => String(w.id) === url.webhook);
  const rows = shown ? [shown] : all;
  return (
    <Page
      title="Webhooks"
      actions={
        manage && (
          <button type="button" className="btn primary" onClick={() => setCreating(true)}>
            Add endpoint
          </button>
        )
      }
    >
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && (
        <Empty title="No webhook yet">
          Add an endpoint, and every status and inbound message is posted to it.{" "}
          {manage && (
            <button type="button" className="btn" onClick={() => setCreating(true)}>
              Add the first one
            </button>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="Webhooks"
          rows={rows}
          id={(w) => w.id ?? 0}
          columns={[
            { name: "Address", cell: (w) => <Foreign>{w.url}</Foreign> },
            {
              name: "State",
              cell: (w) => (
                <>
                  <Badge>{w.enabled ? "enabled" : "disabled"}</Badge>{" "}
                  {w.disabled_reason && <Foreign className="soft">{w.disabled_reason}</Foreign>}
                </>
              ),
            },
            { name: "Format", cell: (w) => w.format },
            { name: "Events", cell: (w) => <span className="soft">{w.events?.length ? w.events.join(", ") : "all"}</span> },
            { name: "Failing since", cell: (w) => <Time at={w.failing_since} /> },
            {
              name: "",
              cell: (w) => (
                <div className="row">
                  <button
                    type="button"
                    className="btn small"
                    aria-expanded={!!shown}
                    onClick={() => setUrl({ webhook: shown ? undefined : String(w.id), state: undefined, cursor: undefined })}
                  >
                    Deliveries <span className="sr">of {w.url}</span>
                  </button>
                  {manage && (
                    <>
                      <Act
                        run={async () => {
                          await postWebhooksIdTest({ client, path: { id: w.id! } });
                          setUrl({ webhook: String(w.id), state: undefined, cursor: undefined });
                          queries.invalidateQueries({ queryKey: ["deliveries", w.id] });
                        }}
                      >
                        Test <span className="sr">{w.url}</span>
                      </Act>
                      <Act
                        run={async () => {
                          await patchWebhooksId({ client, path: { id: w.id! }, body: { enabled: !w.enabled } });
                          again();
                        }}
                      >
                        {w.enabled ? "Disable" : "Enable"} <span className="sr">{w.url}</span>
                      </Act>
                      <Act
                        confirm="Rotate the secret? The old one signs as well for another 24 hours."
                        run={async () => {
                          const { data } = await postWebhooksIdRotate({ client, path: { id: w.id! }, body: {} });
                          setSecret(data.secret ?? "");
                        }}
                      >
                        Rotate <span className="sr">{w.url}</span>
                      </Act>
                      <button type="button" className="btn small" onClick={() => setReplaying(w)}>
                        Replay <span className="sr">events to {w.url}</span>
                      </button>
                      <Act
                        className="btn small danger"
                        confirm={ask("Delete the endpoint", w.url)}
                        run={async () => {
                          await deleteWebhooksId({ client, path: { id: w.id! } });
                          again();
                        }}
                      >
                        Delete <span className="sr">{w.url}</span>
                      </Act>
                    </>
                  )}
                </div>
              ),
            },
          ]}
        />
      )}
      {shown && (
        <>
          <Link to="/webhooks">Show all endpoints</Link>
          <Deliveries key={shown.id} id={shown.id} url={shown.url} manage={manage} />
        </>
      )}
      {creating && (
        <Dialog title="Add an endpoint" onClose={() => setCreating(false)}>
          <Form
            label="Add"
            submit={async (v) => {
              const { data } = await postWebhooks({
                client,
                body: {
                  url: v.url,
                  description: v.description,
                  format: v.format as "standard",
                  ...(v.events ? { events: v.events.split(/[\s,]+/).filter(Boolean) as WebhookCreate["events"] } : {}),
                },
              });
              setCreating(false);
              setSecret(data.secret ?? "");
              again();
            }}
          >
            <Field label="Address">
              <input name="url" type="url" required placeholder="https://example.com/webhooks" />
            </Field>
            <Field label="Description">
              <input name="description" />
            </Field>
            <Field label="Events" hint="Such as message.delivered, message.failed. Empty: all.">
              <input name="events" />
            </Field>
            <Field label="Format">
              <select name="format">
                {["standard", "meta", "twilio", "kaleyra"].map((f) => (
                  <option key={f}>{f}</option>
                ))}
              </select>
            </Field>
          </Form>
        </Dialog>
      )}
      {replaying && <Replay id={replaying.id} close={() => setReplaying(undefined)} />}
      {secret && <Secret title="The signing secret" secret={secret} onClose={() => setSecret("")} />}
    </Page>
  );
}

/** Sends the events of a time range again. */
function Replay({ id, close }: { id: number; close: () => void }) {
  return (
    <Dialog title="Replay a time range" onClose={close}>
      <p>Every event of the range is sent again, with the same id and body: a receiver that has noted the ids ignores what it knows.</p>
      <Form
        label="Replay"
        submit={async (v) => {
          await postWebhooksIdReplay({
            client,
            path: { id },
            body: { from: new Date(v.from).toISOString(), ...(v.to ? { to: new Date(v.to).toISOString() } : {}) },
          });
          close();
        }}
      >
        <div className="fields2">
          <Field label="From" hint={`In your zone, ${mine}.`}>
            <input name="from" type="datetime-local" required defaultValue={localInput(Date.now() - 86_400_000)} />
          </Field>
          <Field label="To" hint="Empty: now.">
            <input name="to" type="datetime-local" />
          </Field>
        </div>
      </Form>
    </Dialog>
  );
}
