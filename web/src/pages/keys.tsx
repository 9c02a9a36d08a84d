import {
  deleteKeysId,
  getKeys,
  getTemplates,
  getUsage,
  type Key,
  type KeyCreate,
  patchKeysId,
  postKeys,
  postKeysIdRotate,
  type Template,
} from "@sendoff/client";
import { type ReactNode, useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Act, ask, Badge, Copy, Dialog, Empty, ErrorBox, Field, Foreign, Form, Json, Loading, Page, Table, Time } from "../ui";
import { number, words } from "../words";

const permissions = ["send_template", "send_text", "send_media", "view_templates", "view_messages", "manage", "credits"];
const again = () => queries.invalidateQueries({ queryKey: ["keys"] });

/** Shows a secret, once, and what to do with it. */
export function Secret(props: { title: string; secret: string; onClose: () => void; children?: ReactNode }) {
  const { title, secret, onClose, children } = props;
  return (
    <Dialog title={title} onClose={onClose}>
      <p>Copy it now: it is not shown again.</p>
      <div className="row">
        <code className="code">{secret}</code>
        <Copy text={secret} />
      </div>
      {children}
      <div>
        <button type="button" className="btn primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

/** A line that simulates a message with a new key, or reads something where the key may not send. */
function firstCall(key: string, permissions: string[], plain?: Template): string {
  const may = (permission: string) => permissions.includes(permission);
  const content =
    plain && may("send_template")
      ? { type: "template", template: { name: plain.name, language: plain.language } }
      : may("send_text") && { type: "text", text: { body: "Hello from Sendoff" } };
  const body = content && JSON.stringify({ to: "+15550000100", ...content, simulate: true });
  const route = !body && may("view_templates") ? "templates" : "messages";
  const send = body ? ` \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'` : "";
  return `curl -sS '${location.origin}/v1/${route}' \\\n  -H 'Authorization: Bearer ${key}'${send}`;
}

/** The line with which a new key is tried. */
function Try({ made }: { made: Made }) {
  const templates = useGet(["templates", "all"], () => getTemplates({ client, query: { limit: 100, status: "approved" } }));
  const plain = templates.data?.data?.find((t) => !t.provider && !t.variables?.length);
  const curl = firstCall(made.secret, made.permissions, plain);
  return (
    <>
      <p>{curl.includes("simulate") ? "Try it in a shell. It is a simulation: nothing is sent." : "Try it in a shell:"}</p>
      <Json value={curl} label="curl command" />
      <div className="row">
        <Copy text={curl} label="Copy curl" />
      </div>
    </>
  );
}

/** The permissions of a key in few words. */
function allowed(all: string[] = []): string {
  if (permissions.every((p) => all.includes(p))) return "all";
  return all.map(words).join(", ");
}

/** How long the old secret of a key works beside the new one. */
const overlaps = [
  [0, "not at all"],
  [3600, "for an hour"],
  [86_400, "for a day"],
  [604_800, "for a week"],
] as const;

function Rotate({ k, close, done }: { k: Key; close: () => void; done: (made: Made) => void }) {
  return (
    <Dialog title={ask("Rotate", k.name)} onClose={close}>
      <p>The key gets a new secret. Programs go on with the old one for as long as you choose.</p>
      <Form
        label="Rotate"
        submit={async (v) => {
          const { data } = await postKeysIdRotate({ client, path: { id: k.id }, body: { overlap_seconds: Number(v.overlap) } });
          close();
          done({ title: "The new secret", secret: data.key ?? "", permissions: k.permissions ?? [] });
          again();
        }}
      >
        <Field label="The old secret works">
          <select name="overlap" defaultValue={86_400}>
            {overlaps.map(([seconds, text]) => (
              <option key={seconds} value={seconds}>
                {text}
              </option>
            ))}
          </select>
        </Field>
      </Form>
    </Dialog>
  );
}

/** A secret that was just made. */
interface Made {
  title: string;
  secret: string;
  permissions: string[];
}

export function Keys() {
  const [{ cursor }] = useUrl();
  const page = { limit: 50, cursor };
  const keys = useGet(["keys", "page", cursor], () => getKeys({ client, query: page }), { every: 15_000 });
  const usage = useGet(["keys", "usage", cursor], () => getUsage({ client, query: page }), { every: 60_000 });
  const manage = useCan("manage");
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<Made>();
  const [rotating, setRotating] = useState<Key>();
  const rows = keys.data?.data ?? [];
  const create = async (v: Record<string, string>) => {
    const { data } = await postKeys({
      client,
      body: {
        name: v.name,
        description: v.description,
        permissions: (v.permissions ?? "").split(",").filter(Boolean) as KeyCreate["permissions"],
        rate_per_minute: Number(v.minute),
        daily_limit: Number(v.day),
        test: v.test === "on",
        ...(v.expires ? { expires_at: new Date(v.expires).toISOString() } : {}),
        ...(v.countries
          ? {
              countries: v.countries
                .split(/[\s,]+/)
                .filter(Boolean)
                .map((c) => c.toUpperCase()),
            }
          : {}),
      },
    });
    setCreating(false);
    setMade({ title: "The new API key", secret: data.key ?? "", permissions: data.permissions ?? [] });
    again();
  };
  return (
    <Page
      title="API keys"
      actions={
        manage && (
          <button type="button" className="btn primary" onClick={() => setCreating(true)}>
            Create key
          </button>
        )
      }
    >
      <ErrorBox error={keys.error} retry={keys.refetch} />
      {keys.isPending && <Loading />}
      {keys.data && rows.length === 0 && !cursor && (
        <Empty title="No API key yet">
          Programs send messages with a key.{" "}
          {manage && (
            <button type="button" className="btn" onClick={() => setCreating(true)}>
              Create the first key
            </button>
          )}
        </Empty>
      )}
      {rows.length > 0 && (
        <Table
          label="API keys"
          rows={rows}
          id={(k) => k.id ?? 0}
          columns={[
            {
              name: "Name",
              cell: (k) => (
                <>
                  <Foreign>{k.name}</Foreign> {k.test && <Badge>test</Badge>}
                  <div>
                    <code className="soft">{k.prefix}…</code>
                  </div>
                  {k.description && (
                    <div className="soft">
                      <Foreign>{k.description}</Foreign>
                    </div>
                  )}
                </>
              ),
            },
            {
              name: "State",
              cell: (k) => (
                <>
                  <Badge>{k.active ? "active" : "inactive"}</Badge>
                  {k.expires_at && (
                    <div className="soft">
                      until <Time at={k.expires_at} />
                    </div>
                  )}
                </>
              ),
            },
            { name: "Permissions", cell: (k) => <span className="soft">{allowed(k.permissions)}</span> },
            {
              name: "Limits",
              num: true,
              cell: (k) => (
                <>
                  {number(k.rate_per_minute)} a minute
                  <br />
                  {number(k.daily_limit)} a day
                </>
              ),
            },
            {
              name: "Calls",
              num: true,
              cell: (k) => (
                <>
                  {number(k.calls_today)} today
                  <br />
                  {number(usage.data?.data?.find((u) => u.key_id === k.id)?.calls_30_days)} in 30 days
                </>
              ),
            },
            { name: "Last used", cell: (k) => <Time at={k.last_used_at} /> },
            {
              name: "",
              cell: (k) =>
                manage && (
                  <div className="row">
                    <Act
                      run={async () => {
                        await patchKeysId({ client, path: { id: k.id! }, body: { active: !k.active } });
                        again();
                      }}
                    >
                      {k.active ? "Deactivate" : "Activate"} <span className="sr">{k.name}</span>
                    </Act>
                    <button type="button" className="btn small" onClick={() => setRotating(k)}>
                      Rotate <span className="sr">{k.name}</span>
                    </button>
                    <Act
                      className="btn small danger"
                      confirm={ask("Delete", k.name, "? Programs that use it are refused at once. This cannot be undone.")}
                      run={async () => {
                        await deleteKeysId({ client, path: { id: k.id! } });
                        again();
                      }}
                    >
                      Delete <span className="sr">{k.name}</span>
                    </Act>
                  </div>
                ),
            },
          ]}
        />
      )}
      <Pager next={keys.data?.next_cursor} rows={rows.length} />
      {creating && (
        <Dialog title="Create an API key" onClose={() => setCreating(false)}>
          <Form label="Create" submit={create}>
            <Field label="Name">
              <input name="name" required maxLength={100} />
            </Field>
            <Field label="Description">
              <input name="description" maxLength={1000} />
            </Field>
            <fieldset className="row">
              <legend>Permissions</legend>
              {permissions.map((p) => (
                <label key={p} className="check">
                  <input type="checkbox" name="permissions" value={p} defaultChecked={p !== "manage" && p !== "credits"} /> {words(p)}
                </label>
              ))}
            </fieldset>
            <div className="fields2">
              <Field label="Rate per minute">
                <input name="minute" type="number" min={1} defaultValue={60} />
              </Field>
              <Field label="Daily limit">
                <input name="day" type="number" min={1} defaultValue={10_000} />
              </Field>
              <Field label="Expires" hint="At the start of that day, UTC.">
                <input name="expires" type="date" />
              </Field>
              <Field label="Allowed countries" hint="Such as IN, DE. Empty: all.">
                <input name="countries" />
              </Field>
            </div>
            <label className="check">
              <input type="checkbox" name="test" /> Test key: its messages go to the emulator
            </label>
          </Form>
        </Dialog>
      )}
      {rotating && <Rotate k={rotating} close={() => setRotating(undefined)} done={setMade} />}
      {made && (
        <Secret title={made.title} secret={made.secret} onClose={() => setMade(undefined)}>
          <Try made={made} />
        </Secret>
      )}
    </Page>
  );
}
