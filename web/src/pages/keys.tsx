import { deleteKeysId, getKeys, getUsage, type KeyCreate, patchKeysId, postKeys, postKeysIdRotate } from "@sendoff/client";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { Act, Badge, Copy, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Table, Time } from "../ui";
import { number } from "../words";

const permissions = ["send_template", "send_text", "send_media", "view_templates", "view_messages", "manage", "credits"];
const again = () => queries.invalidateQueries({ queryKey: ["keys"] });

/** Shows a secret, once. */
export function Secret({ title, secret, onClose }: { title: string; secret: string; onClose: () => void }) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>Copy it now: it is not shown again.</p>
      <div className="row">
        <code className="code">{secret}</code>
        <Copy text={secret} />
      </div>
      <div>
        <button type="button" className="btn primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}

export function Keys() {
  const keys = useGet(["keys"], () => getKeys({ client, query: { limit: 100 } }), { every: 15_000 });
  const usage = useGet(["keys", "usage"], () => getUsage({ client, query: { limit: 100 } }), { every: 60_000 });
  const manage = useCan("manage");
  const [creating, setCreating] = useState(false);
  const [secret, setSecret] = useState("");
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
    setSecret(data.key ?? "");
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
      {keys.data && rows.length === 0 && <Empty title="No API key yet">Programs send messages with a key. Create one to begin.</Empty>}
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
                  <bdi>{k.name}</bdi> {k.test && <Badge>test</Badge>}
                  {k.description && (
                    <div className="soft">
                      <Foreign>{k.description}</Foreign>
                    </div>
                  )}
                </>
              ),
            },
            { name: "Key", cell: (k) => <code>{k.prefix}…</code> },
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
            { name: "Permissions", cell: (k) => <span className="soft">{k.permissions?.join(", ")}</span> },
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
                    <Act
                      confirm={`Rotate ${k.name}? The old secret works for another 24 hours.`}
                      run={async () => {
                        const { data } = await postKeysIdRotate({ client, path: { id: k.id! }, body: { overlap_seconds: 86_400 } });
                        setSecret(data.key ?? "");
                        again();
                      }}
                    >
                      Rotate <span className="sr">{k.name}</span>
                    </Act>
                    <Act
                      className="btn small danger"
                      confirm={`Delete ${k.name}? Programs that use it are refused at once. This cannot be undone.`}
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
                  <input type="checkbox" name="permissions" value={p} defaultChecked={p !== "manage" && p !== "credits"} /> {p}
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
              <Field label="Expires">
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
      {secret && <Secret title="The new API key" secret={secret} onClose={() => setSecret("")} />}
    </Page>
  );
}
