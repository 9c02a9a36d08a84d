import { type Account, getAccount, patchAccount, type Retention } from "@sendoff/client";
import { client, queries, useCan, useGet } from "../api";
import { ErrorBox, Field, Form, Loading, Panel } from "../ui";

const records: [name: keyof Retention, label: string, hint?: string][] = [
  ["messages", "Messages", "Unfinished ones stay until they have finished."],
  ["events", "Events", "At most as long as the message."],
  ["attempts", "Attempts", "At most as long as the message."],
  ["inbound", "Inbound messages"],
  ["webhook_deliveries", "Webhook deliveries"],
  ["audit_log", "Audit log"],
];

/** How long records are kept: a panel of the settings. */
export function RetentionPanel() {
  const account = useGet(["account"], () => getAccount({ client }));
  const manage = useCan("manage");
  const a = account.data;
  return (
    <Panel title="Retention">
      <ErrorBox error={account.error} retry={account.refetch} />
      {account.isPending && <Loading />}
      {a && (manage ? <RetentionForm a={a} /> : <RetentionFacts a={a} />)}
    </Panel>
  );
}

const days = (n: number) => (n === 1 ? "1 day" : `${n} days`);

function RetentionFacts({ a }: { a: Account }) {
  return (
    <dl className="facts">
      {records.map(([name, label]) => (
        <div key={name} className="contents">
          <dt>{label}</dt>
          <dd>{days(a.retention[name])}</dd>
        </div>
      ))}
      <dt>Content and numbers</dt>
      <dd>{a.redact_days ? days(a.redact_days) : "as long as the message"}</dd>
    </dl>
  );
}

function RetentionForm({ a }: { a: Account }) {
  return (
    <Form
      label="Save"
      saved="Saved."
      submit={async (v) => {
        const retention = Object.fromEntries(records.map(([name]) => [name, Number(v[name])]));
        await patchAccount({ client, body: { retention, redact_days: Number(v.redact || 0) } });
        queries.invalidateQueries({ queryKey: ["account"] });
      }}
    >
      <p>What is older than this many days is deleted for good, within hours.</p>
      <div className="fields2">
        {records.map(([name, label, hint]) => (
          <Field key={name} label={label} hint={hint}>
            <input name={name} type="number" required min={1} max={3650} defaultValue={a.retention[name]} />
          </Field>
        ))}
      </div>
      <Field
        label="Remove content and numbers after"
        hint="Days. The message stays without them. Empty: they are kept as long as the message."
      >
        <input name="redact" type="number" min={0} max={3650} defaultValue={a.redact_days || ""} />
      </Field>
    </Form>
  );
}
