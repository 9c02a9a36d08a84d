import { getAccount, getCredits, getCreditsLedger, postSessionPassword } from "@sendoff/client";
import { useState } from "react";
import { client, useGet, useSession } from "../api";
import { ErrorBox, Field, Form, Page, Panel, Table, Time } from "../ui";

export function Settings() {
  const account = useGet(["account"], () => getAccount({ client }));
  const credits = useGet(["credits"], () => getCredits({ client }));
  const ledger = useGet(["ledger"], () => getCreditsLedger({ client }));
  const session = useSession().data;
  const [saved, setSaved] = useState(false);
  const rows = ledger.data?.data ?? [];
  return (
    <Page title="Settings">
      <div className="grid2">
        <Panel title="Account">
          <ErrorBox error={account.error} retry={account.refetch} />
          <dl className="facts">
            {Object.entries(account.data ?? {}).map(([name, value]) => (
              <div key={name} style={{ display: "contents" }}>
                <dt>{name.replaceAll("_", " ")}</dt>
                <dd>
                  {/_at$/.test(name) ? (
                    <Time at={String(value)} />
                  ) : (
                    <bdi>{typeof value === "object" ? JSON.stringify(value) : String(value)}</bdi>
                  )}
                </dd>
              </div>
            ))}
          </dl>
        </Panel>
        <Panel title="Password">
          {saved && <p className="note good">The password was changed. Your other sessions have ended.</p>}
          <Form
            label="Change password"
            submit={async (v) => {
              await postSessionPassword({ client, body: { current_password: v.current, new_password: v.next } });
              setSaved(true);
            }}
          >
            <Field label="Current password">
              <input name="current" type="password" autoComplete="current-password" required />
            </Field>
            <Field label="New password" hint="At least 10 characters.">
              <input name="next" type="password" autoComplete="new-password" minLength={10} required />
            </Field>
          </Form>
          <p className="soft">
            Signed in as <bdi>{session?.user?.email}</bdi>.
          </p>
        </Panel>
        <Panel title="Credits">
          <ErrorBox error={credits.error} retry={credits.refetch} />
          <p>
            {credits.data?.enabled ? "Messages are charged." : "Messages are not charged."} Balance: {String(credits.data?.balance ?? 0)}
          </p>
          {rows.length > 0 && (
            <Table
              label="Ledger"
              rows={rows}
              id={(r) => r.id ?? 0}
              columns={[
                { name: "Time", cell: (r) => <Time at={r.at} /> },
                { name: "Kind", cell: (r) => r.kind },
                { name: "Amount", num: true, cell: (r) => String(r.amount) },
              ]}
            />
          )}
        </Panel>
      </div>
    </Page>
  );
}
