import {
  type Account,
  getAccount,
  getCredits,
  getCreditsLedger,
  getErasuresId,
  patchAccount,
  postCredits,
  postErasures,
  postSessionPassword,
} from "@sendoff/client";
import { useState } from "react";
import { client, queries, useCan, useGet, useSession } from "../api";
import { Pager } from "../list";
import { useUrl } from "../search";
import { ErrorBox, Field, Form, Json, Loading, Page, Panel, Table, Time } from "../ui";
import { amount, words } from "../words";
import { Zones } from "./campaign-limits";
import { RetentionPanel } from "./retention";

export function Settings() {
  const account = useAccount();
  const { credits, ledger } = useCredits();
  // All at once: one panel does not push another one away.
  if (account.isPending || credits.isPending || ledger.isPending) {
    return (
      <Page title="Settings">
        <Loading />
      </Page>
    );
  }
  return (
    <Page title="Settings">
      <div className="grid2 top-aligned">
        <div className="stack">
          <AccountPanel />
          <RetentionPanel />
        </div>
        <div className="stack">
          <Credits />
          <Password />
          <Erase />
        </div>
      </div>
    </Page>
  );
}

const useAccount = () => useGet(["account"], () => getAccount({ client }));

function useCredits() {
  const [{ cursor }] = useUrl();
  return {
    credits: useGet(["credits"], () => getCredits({ client })),
    ledger: useGet(["ledger", cursor], () => getCreditsLedger({ client, query: { cursor, limit: 20 } })),
  };
}

function AccountPanel() {
  const account = useAccount();
  const manage = useCan("manage");
  const a = account.data;
  return (
    <Panel title="Account">
      <ErrorBox error={account.error} retry={account.refetch} />
      {account.isPending && <Loading />}
      {a && (
        <div className="stack">
          <dl className="facts">
            <dt>Id</dt>
            <dd>{a.id}</dd>
            <dt>SID</dt>
            <dd>
              <code>{a.sid}</code>
            </dd>
            <dt>Created</dt>
            <dd>
              <Time at={a.created_at} />
            </dd>
          </dl>
          {manage ? (
            <AccountForm a={a} />
          ) : (
            <dl className="facts">
              <dt>Name</dt>
              <dd>
                <bdi>{a.name}</bdi>
              </dd>
              <dt>Time zone</dt>
              <dd>{a.time_zone}</dd>
              <dt>Default country</dt>
              <dd>{a.default_region || "none"}</dd>
            </dl>
          )}
        </div>
      )}
    </Panel>
  );
}

function AccountForm({ a }: { a: Account }) {
  return (
    <Form
      label="Save"
      saved="Saved."
      submit={async (v) => {
        await patchAccount({
          client,
          body: {
            name: v.name,
            time_zone: v.zone,
            default_region: v.region,
            opt_out_languages: v.languages.split(/[\s,]+/).filter(Boolean),
          },
        });
        queries.invalidateQueries({ queryKey: ["account"] });
        queries.invalidateQueries({ queryKey: ["session"] });
      }}
    >
      <Field label="Name">
        <input name="name" required maxLength={200} defaultValue={a.name} />
      </Field>
      <Field label="Time zone" hint="Of quiet hours and schedules that name none.">
        <input name="zone" required list="zones" defaultValue={a.time_zone} />
      </Field>
      <Field label="Default country" hint="Such as US: its national numbers are accepted. Empty: every number is international.">
        <input name="region" maxLength={2} defaultValue={a.default_region} />
      </Field>
      <Field label="Languages of opt-out words" hint="Such as de, fr. Empty: English and that of the contact's country.">
        <input name="languages" defaultValue={(a.opt_out_languages ?? []).join(", ")} />
      </Field>
      <Zones />
    </Form>
  );
}

function Password() {
  const session = useSession().data;
  return (
    <Panel title="Password">
      <div className="stack">
        <p className="soft">
          Signed in as <bdi>{session?.user?.email}</bdi>.
        </p>
        <Form
          label="Change password"
          saved="The password was changed. Your other sessions have ended."
          submit={(v) => postSessionPassword({ client, body: { current_password: v.current, new_password: v.next } })}
        >
          <Field label="Current password">
            <input name="current" type="password" autoComplete="current-password" required />
          </Field>
          <Field label="New password" hint="At least 10 characters.">
            <input name="next" type="password" autoComplete="new-password" minLength={10} required />
          </Field>
        </Form>
      </div>
    </Panel>
  );
}

/** Removes what is stored of a person, for good. */
function Erase() {
  const may = useCan("manage");
  const [id, setId] = useState<number>();
  const erasure = useGet(["erasure", id], () => getErasuresId({ client, path: { id: id! } }), { enabled: !!id, every: 2000 });
  if (!may) return null;
  return (
    <Panel title="Erase a person">
      <div className="stack">
        <p>
          Removes the contact, inbound messages, and number and content of messages. Nothing is sent to the person again, and no import
          brings them back. This cannot be undone.
        </p>
        <Form
          label="Erase"
          submit={async (v) => {
            if (v.phone.replace(/\D/g, "") !== v.again.replace(/\D/g, "")) {
              throw { title: "Not the same", status: 0, code: "invalid", detail: "The two numbers differ." };
            }
            const { data } = await postErasures({ client, body: { phone: v.phone } });
            setId(data.id);
          }}
        >
          <div className="fields2">
            <Field label="Number to erase">
              <input name="phone" type="tel" required />
            </Field>
            <Field label="The number again">
              <input name="again" type="tel" required />
            </Field>
          </div>
        </Form>
        <ErrorBox error={erasure.error} />
        {erasure.data && <Json value={erasure.data} label="Erasure" />}
      </div>
    </Panel>
  );
}

function Credits() {
  const { credits, ledger } = useCredits();
  const may = useCan("credits");
  const rows = ledger.data?.data ?? [];
  const again = () => {
    queries.invalidateQueries({ queryKey: ["credits"] });
    queries.invalidateQueries({ queryKey: ["ledger"] });
  };
  return (
    <Panel title="Credits">
      <div className="stack">
        <ErrorBox error={credits.error ?? ledger.error} retry={credits.refetch} />
        {credits.data && (
          <p>
            {credits.data.enabled ? "Messages are charged." : "Messages are not charged."} Balance:{" "}
            <strong>{amount(credits.data.balance)} credits</strong>
          </p>
        )}
        {credits.data && may && (
          <Form
            label="Book"
            submit={async (v) => {
              await postCredits({
                client,
                body: { ...(Number(v.amount) ? { amount: Number(v.amount) } : {}), enabled: v.charging === "on" },
              });
              again();
            }}
          >
            <Field label="Credits to add" hint="A negative amount takes them back.">
              <input name="amount" type="number" step="any" defaultValue={0} />
            </Field>
            <label className="check">
              <input key={String(credits.data.enabled)} type="checkbox" name="charging" defaultChecked={credits.data.enabled} /> Charge
              messages
            </label>
          </Form>
        )}
        {rows.length > 0 && (
          <Table
            label="Ledger"
            rows={rows}
            id={(r) => r.id ?? 0}
            columns={[
              { name: "Time", cell: (r) => <Time at={r.at} /> },
              { name: "Kind", cell: (r) => words(r.kind) },
              { name: "Credits", num: true, cell: (r) => amount(r.amount) },
            ]}
          />
        )}
        <Pager next={ledger.data?.next_cursor} rows={rows.length} />
      </div>
    </Panel>
  );
}
