import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { call, queries, queryOf, useCall, useCan } from "../api";
import { useUrl } from "../search";
import { Act, Badge, Dialog, Empty, ErrorBox, Field, Foreign, Json, Loading, Page, Panel, Table, Time } from "../ui";
import { type CampaignView, doneOf, type List } from "./campaigns";
import { Pager } from "./messages";

interface Validation {
  status?: string;
  ready?: boolean;
  recipients?: number;
  would_skip?: Record<string, number>;
  problems?: { line?: number; to?: string; reason?: string; field?: string; detail?: string }[];
  longest?: { to?: string; rendering?: string };
  odd?: unknown[];
  forecast?: { hour: string; recipients: number }[];
  starts_at?: string;
  ends_at?: string;
  segments?: number;
  price?: number | string;
  zone_from_account?: number;
  late?: number;
}

const causes: Record<string, string> = {
  rate: "by its rate",
  quiet_hours: "held by quiet hours",
  canary: "waiting for the canary",
  budget: "by the messaging budget",
  channel: "by the channel",
};

export function Campaign() {
  const { id } = useParams({ strict: false }) as { id: string };
  const path = `/v1/campaigns/${id}`;
  const campaign = useCall<CampaignView>(path, { every: 2000 });
  const may = useCan("send_template");
  const navigate = useNavigate();
  const [validation, setValidation] = useState<Validation>();
  const [launching, setLaunching] = useState(false);
  const c = campaign.data;
  if (!c)
    return <Page title="Campaign">{campaign.error ? <ErrorBox error={campaign.error} retry={campaign.refetch} /> : <Loading />}</Page>;
  const again = () => queries.invalidateQueries({ queryKey: [path] });
  const act = (action: string) => async () => {
    const made = await call<CampaignView>("POST", `${path}/${action}`);
    if (action === "retry" && made.id !== c.id) navigate({ to: "/campaigns/$id", params: { id: String(made.id) } });
    again();
  };
  const can = (action: string) => may && (c.can ?? []).includes(action);
  const n = c.counts ?? {};
  return (
    <Page
      title={c.name}
      actions={
        <>
          {may && ["draft", "scheduled"].includes(c.status) && (
            <Act
              className="btn"
              run={async () => {
                let v = await call<Validation>("POST", `${path}/validate`);
                for (let i = 0; i < 120 && v.status !== undefined && v.status !== "done"; i++) {
                  await new Promise((r) => setTimeout(r, 1000));
                  v = await call<Validation>("GET", `${path}/validation`);
                }
                setValidation(v);
              }}
            >
              Validate
            </Act>
          )}
          {can("launch") && (
            <button type="button" className="btn primary" onClick={() => setLaunching(true)}>
              Launch
            </button>
          )}
          {can("pause") && (
            <Act className="btn" run={act("pause")}>
              Pause
            </Act>
          )}
          {can("resume") && (
            <Act className="btn" run={act("resume")}>
              Resume
            </Act>
          )}
          {can("retry") && (
            <Act className="btn" confirm="Send again to the failed whose error may have passed?" run={act("retry")}>
              Retry the failed
            </Act>
          )}
          {can("cancel") && (
            <Act className="btn danger" confirm={`Cancel ${c.name}? What waits is not sent.`} run={act("cancel")}>
              Cancel campaign
            </Act>
          )}
          {can("delete") && (
            <Act
              className="btn danger"
              confirm={`Delete ${c.name}?`}
              run={async () => {
                await call("DELETE", path);
                navigate({ to: "/campaigns" });
              }}
            >
              Delete
            </Act>
          )}
        </>
      }
    >
      <Panel label="Progress">
        <div className="row">
          <Badge>{c.status}</Badge>
          {(c.status_reason ?? c.reason) && <bdi>{c.status_reason ?? c.reason}</bdi>}
          {c.limited_by && causes[c.limited_by] && <span className="soft">limited {causes[c.limited_by]}</span>}
          {c.rate_now ? <span className="soft">{c.rate_now}/s</span> : null}
        </div>
        <progress aria-label="Done" max={1} value={doneOf(c)} />
        <dl className="facts">
          <dt>Started</dt>
          <dd>
            <Time at={c.started_at ?? c.start_at} />
          </dd>
          <dt>Ends</dt>
          <dd>
            <Time at={c.finished_at ?? c.ends_at} relative={!c.finished_at && !!c.ends_at} />
          </dd>
          <dt>Last progress</dt>
          <dd>
            <Time at={c.last_progress_at} />
          </dd>
        </dl>
      </Panel>
      <div className="tiles">
        {Object.entries(n).map(([name, value]) => (
          <div key={name} className="tile" role="group" aria-label={name}>
            <div className="label">{name.replaceAll("_", " ")}</div>
            <div className="value">{value.toLocaleString("en")}</div>
          </div>
        ))}
      </div>
      {validation && <Report v={validation} />}
      {Object.keys(c.skipped_by ?? {}).length > 0 && (
        <Panel title="Skipped">
          <ul>
            {Object.entries(c.skipped_by ?? {}).map(([reason, count]) => (
              <li key={reason}>
                {reason.replaceAll("_", " ")}: {count.toLocaleString("en")}
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Recipients path={path} />
      {launching && (
        <Launch
          c={c}
          count={validation?.recipients}
          close={() => setLaunching(false)}
          run={async () => {
            await call("POST", `${path}/launch`);
            setLaunching(false);
            again();
          }}
        />
      )}
    </Page>
  );
}

/** Asks for the number of recipients before the campaign starts. */
function Launch({ c, count, run, close }: { c: CampaignView; count?: number; run: () => Promise<void>; close: () => void }) {
  const [typed, setTyped] = useState("");
  const expected = String(count ?? c.counts?.total ?? 0);
  return (
    <Dialog title={`Launch ${c.name}?`} onClose={close}>
      {count === undefined && <p className="note warn">It was not validated here. Validate first to see who would get a message.</p>}
      <p>
        Type <strong>{expected}</strong>, the number of recipients, to confirm.
      </p>
      <Field label="Number of recipients">
        <input value={typed} inputMode="numeric" onChange={(e) => setTyped(e.target.value)} />
      </Field>
      <div className="row">
        {typed.replace(/\D/g, "") === expected ? (
          <Act className="btn primary" run={run}>
            Launch now
          </Act>
        ) : (
          <button type="button" className="btn primary" disabled>
            Launch now
          </button>
        )}
        <button type="button" className="btn" onClick={close}>
          Keep as draft
        </button>
      </div>
    </Dialog>
  );
}

function Report({ v }: { v: Validation }) {
  const most = Math.max(1, ...(v.forecast ?? []).map((f) => f.recipients));
  return (
    <Panel title="Validation">
      <p className={v.ready ? "note good" : "note warn"}>
        {v.ready ? "Ready to launch. " : "Not ready yet. "}
        {(v.recipients ?? 0).toLocaleString("en")} people would get a message.
        {Object.entries(v.would_skip ?? {}).map(([reason, n]) => ` ${n} skipped: ${reason.replaceAll("_", " ")}.`)}
      </p>
      <dl className="facts">
        <dt>Starts</dt>
        <dd>
          <Time at={v.starts_at} />
        </dd>
        <dt>Ends</dt>
        <dd>
          <Time at={v.ends_at} />
        </dd>
        <dt>Price</dt>
        <dd>{String(v.price ?? 0)}</dd>
      </dl>
      {(v.forecast ?? []).length > 0 && (
        <>
          <h3>Forecast</h3>
          <table>
            <caption className="sr">Recipients by hour</caption>
            <thead>
              <tr>
                <th scope="col">Hour</th>
                <th scope="col">Recipients</th>
              </tr>
            </thead>
            <tbody>
              {(v.forecast ?? []).map((f) => (
                <tr key={f.hour}>
                  <td>
                    <Time at={f.hour} />
                  </td>
                  <td>
                    <meter aria-label={`Recipients at ${f.hour}`} min={0} max={most} value={f.recipients} />{" "}
                    {f.recipients.toLocaleString("en")}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
      {v.longest?.rendering && <Json value={v.longest.rendering} label="The longest message" />}
      {(v.problems ?? []).length > 0 && (
        <Table
          label="Problems"
          rows={(v.problems ?? []).map((p, i) => ({ ...p, i }))}
          id={(p) => p.i}
          columns={[
            { name: "Line", cell: (p) => p.line },
            { name: "To", cell: (p) => <Foreign>{p.to}</Foreign> },
            { name: "Reason", cell: (p) => p.reason },
            { name: "Field", cell: (p) => p.field },
            { name: "Detail", cell: (p) => <Foreign>{p.detail}</Foreign> },
          ]}
        />
      )}
    </Panel>
  );
}

function Recipients({ path }: { path: string }) {
  const [url, setUrl] = useUrl();
  const list = useCall<
    List<{ to?: string; status?: string; reason?: string; message_id?: string; waits_for?: string; next_attempt_at?: string }>
  >(`${path}/recipients${queryOf({ status: url.status, search: url.q, cursor: url.cursor })}`, { every: 5000 });
  const rows = list.data?.data ?? [];
  return (
    <Panel title="Recipients">
      <div className="stack">
        <form
          className="row"
          onSubmit={(e) => {
            e.preventDefault();
            setUrl({ q: String(new FormData(e.currentTarget).get("q") ?? ""), cursor: undefined });
          }}
        >
          <label>
            <span className="sr">Search recipients</span>
            <input name="q" type="search" placeholder="Number" defaultValue={url.q} />
          </label>
          <a className="btn" href={`${path}/report.csv`} download>
            Report as CSV
          </a>
        </form>
        <ErrorBox error={list.error} retry={list.refetch} />
        {list.data && rows.length === 0 && <Empty title="No recipient to show" />}
        {rows.length > 0 && (
          <Table
            label="Recipients and their messages"
            rows={rows.map((r, i) => ({ ...r, i }))}
            id={(r) => r.i}
            columns={[
              {
                name: "To",
                cell: (r) =>
                  r.message_id ? (
                    <Link to="/messages/$id" params={{ id: r.message_id }}>
                      <Foreign>{r.to}</Foreign>
                    </Link>
                  ) : (
                    <Foreign>{r.to}</Foreign>
                  ),
              },
              { name: "Status", cell: (r) => <Badge>{r.status ?? ""}</Badge> },
              { name: "Reason", cell: (r) => (r.reason ?? r.waits_for ?? "").replaceAll("_", " ") },
              { name: "Next try", cell: (r) => <Time at={r.next_attempt_at} /> },
            ]}
          />
        )}
        <Pager cursor={url.cursor} next={list.data?.next_cursor} go={(cursor) => setUrl({ cursor })} />
      </div>
    </Panel>
  );
}
