import {
  type CampaignValidation,
  type Campaign as CampaignView,
  deleteCampaignsId,
  getCampaignsId,
  getCampaignsIdRecipients,
  getCampaignsIdValidation,
  postCampaignsIdCancel,
  postCampaignsIdLaunch,
  postCampaignsIdPause,
  postCampaignsIdResume,
  postCampaignsIdRetry,
  postCampaignsIdValidate,
} from "@sendoff/client";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { mine, until, useZone } from "../clock";
import { Choice, Pager, Search } from "../list";
import { useUrl } from "../search";
import { Act, ask, Badge, Dialog, Empty, ErrorBox, Field, Foreign, Page, Panel, Pending, Table, Time } from "../ui";
import { number, words } from "../words";
import { Report, RowPreview } from "./campaign-report";
import { doneOf } from "./campaigns";

const causes: Record<string, string> = {
  rate: "limited by its rate",
  canary: "the rest waits until the first messages were watched",
  budget: "limited by the sender's messaging limit",
  channel: "limited by the channel",
};

/** Checks a campaign; a large one takes the server a while. */
async function validate(id: number): Promise<CampaignValidation> {
  let { data } = await postCampaignsIdValidate({ client, path: { id } });
  while (data.status === "running") {
    await new Promise((r) => setTimeout(r, 1000));
    ({ data } = await getCampaignsIdValidation({ client, path: { id } }));
  }
  return data;
}

export function Campaign() {
  const id = Number((useParams({ strict: false }) as { id: string }).id);
  const campaign = useGet(["campaign", id], () => getCampaignsId({ client, path: { id } }), { every: 2000 });
  const may = useCan("send_template");
  const [validation, setValidation] = useState<CampaignValidation>();
  const [failed, setFailed] = useState<unknown>();
  const c = campaign.data;
  const open = c?.status === "draft" || c?.status === "scheduled";
  const checked = useRef(0);
  // A draft is checked as soon as it is looked at.
  useEffect(() => {
    if (c?.status !== "draft" || !may || checked.current === id) return;
    checked.current = id;
    validate(id).then(setValidation, setFailed);
  }, [c?.status, may, id]);
  if (!c) {
    const next = (
      <Link className="btn small" to="/campaigns">
        Show all campaigns
      </Link>
    );
    return <Pending title="Campaign" query={campaign} next={next} />;
  }
  return (
    <Page title={c.name ?? "Campaign"} actions={may && <Actions c={c} validation={validation} validated={setValidation} />}>
      <ErrorBox error={campaign.error ?? failed} retry={campaign.refetch} />
      <Progress c={c} />
      {validation && open && <Report v={validation} />}
      {open && <RowPreview id={id} total={c.counts?.total ?? 0} />}
      {!open && <Counts c={c} />}
      {!open && <Recipients id={id} />}
    </Page>
  );
}

function Actions({
  c,
  validation,
  validated,
}: {
  c: CampaignView;
  validation?: CampaignValidation;
  validated: (v: CampaignValidation) => void;
}) {
  const navigate = useNavigate();
  const [launching, setLaunching] = useState(false);
  const path = { id: c.id! };
  const again = () => queries.invalidateQueries({ queryKey: ["campaign"] });
  const can = (action: string) => (c.can ?? []).includes(action);
  return (
    <>
      {can("edit") && (
        <Link className="btn" to="/campaigns/new" search={{ edit: String(c.id) }}>
          Edit
        </Link>
      )}
      {(c.status === "draft" || c.status === "scheduled") && (
        <Act className="btn" run={async () => validated(await validate(path.id))}>
          Validate
        </Act>
      )}
      {can("launch") && (
        <button type="button" className="btn primary" onClick={() => setLaunching(true)}>
          Launch
        </button>
      )}
      {can("pause") && (
        <Act className="btn" run={() => postCampaignsIdPause({ client, path }).then(again)}>
          Pause
        </Act>
      )}
      {can("resume") && (
        <Act className="btn primary" run={() => postCampaignsIdResume({ client, path }).then(again)}>
          Resume
        </Act>
      )}
      {can("retry") && (c.counts?.failed ?? 0) > 0 && (
        <Act
          className="btn"
          confirm="Send again to the failed whose error may have passed?"
          run={async () => {
            const { data } = await postCampaignsIdRetry({ client, path });
            again();
            if (data.id !== c.id) navigate({ to: "/campaigns/$id", params: { id: String(data.id) } });
          }}
        >
          Retry the failed
        </Act>
      )}
      {can("cancel") && c.status !== "draft" && (
        <Act
          className="btn danger"
          confirm={ask("Cancel", c.name, "? What waits is not sent.")}
          run={() => postCampaignsIdCancel({ client, path }).then(again)}
        >
          Cancel campaign
        </Act>
      )}
      {can("delete") && (
        <Act
          className="btn danger"
          confirm={ask("Delete", c.name)}
          run={async () => {
            await deleteCampaignsId({ client, path });
            navigate({ to: "/campaigns" });
          }}
        >
          Delete
        </Act>
      )}
      {launching && (
        <Launch
          c={c}
          count={validation?.recipients}
          close={() => setLaunching(false)}
          run={async () => {
            await postCampaignsIdLaunch({ client, path });
            setLaunching(false);
            again();
          }}
        />
      )}
    </>
  );
}

function Progress({ c }: { c: CampaignView }) {
  const done = doneOf(c);
  return (
    <Panel label="Progress">
      <div className="stack">
        <div className="row">
          <Badge>{c.status ?? ""}</Badge>
          {c.reason && <Foreign>{c.reason}</Foreign>}
          {c.limited_by === "quiet_hours" ? (
            <HeldUntil c={c} />
          ) : (
            c.limited_by && causes[c.limited_by] && <span className="soft">{causes[c.limited_by]}</span>
          )}
          {c.rate_now ? <span className="soft">{number(c.rate_now, 1)} a second</span> : null}
          {c.in_flight ? <span className="soft">{c.in_flight} calls under way</span> : null}
        </div>
        {c.status !== "draft" && (
          <div className="row">
            <progress aria-label="Done" max={1} value={done} />
            <span>{Math.floor(100 * done)} %</span>
          </div>
        )}
        <dl className="facts">
          <dt>{c.started_at ? "Started" : "Starts"}</dt>
          <dd>
            {c.started_at || c.starts_at ? (
              <Time at={c.started_at ?? c.starts_at} />
            ) : c.start_at ? (
              `${c.start_at.replace("T", " ")} ${c.time_zone ?? ""}`
            ) : (
              "when it is launched"
            )}
          </dd>
          {(c.finished_at || c.ends_at) && (
            <>
              <dt>{c.finished_at ? "Finished" : "Ends"}</dt>
              <dd>
                <Time at={c.finished_at ?? c.ends_at} relative={!c.finished_at} />
              </dd>
            </>
          )}
          {c.last_progress_at && (
            <>
              <dt>Last progress</dt>
              <dd>
                <Time at={c.last_progress_at} relative />
              </dd>
            </>
          )}
          {(c.next ?? []).length > 0 && (
            <>
              <dt>Next runs</dt>
              <dd>{(c.next ?? []).join(" · ")}</dd>
            </>
          )}
          {c.parent_id && (
            <>
              <dt>Part of</dt>
              <dd>
                <Link to="/campaigns/$id" params={{ id: String(c.parent_id) }}>
                  campaign {c.parent_id}
                </Link>
              </dd>
            </>
          )}
        </dl>
      </div>
    </Panel>
  );
}

/** The zone in which a campaign's quiet hours are told; those of the recipients differ, and are told in the reader's. */
function quietZone(c: CampaignView): string | undefined {
  const zone = c.quiet_hours?.zone;
  return zone === "account" ? c.time_zone : zone === "recipient" ? undefined : zone;
}

/** Until when the first of the held recipients waits: held until 08:00 Asia/Kolkata, by quiet hours. */
function HeldUntil({ c }: { c: CampaignView }) {
  const mineOrUTC = useZone() === "utc" ? "UTC" : mine;
  const held = useGet(
    ["campaign", c.id, "held"],
    () => getCampaignsIdRecipients({ client, path: { id: c.id! }, query: { status: "held", limit: 1 } }),
    { every: 10_000 },
  );
  const at = held.data?.data?.[0]?.next_attempt_at;
  if (!at) return <span className="soft">held by quiet hours</span>;
  const zone = quietZone(c) ?? mineOrUTC;
  const hour = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" }).format(new Date(at));
  return (
    <span>
      held until {hour} {zone}, by quiet hours <span className="soft">({until(at)})</span>
    </span>
  );
}

function Counts({ c }: { c: CampaignView }) {
  const skipped = Object.entries(c.skipped_by ?? {}).filter(([, n]) => n > 0);
  return (
    <>
      <div className="tiles">
        {Object.entries(c.counts ?? {})
          .filter(([name, n]) => name === "total" || name === "delivered" || n > 0)
          .map(([name, n]) => (
            <div key={name} className="tile" role="group" aria-label={words(name)}>
              <div className="label">{words(name)}</div>
              <div className="value">{number(n)}</div>
            </div>
          ))}
      </div>
      {skipped.length > 0 && (
        <Panel title="Skipped">
          <dl className="facts">
            {skipped.map(([reason, n]) => (
              <div key={reason} className="contents">
                <dt>{words(reason)}</dt>
                <dd>{number(n)}</dd>
              </div>
            ))}
          </dl>
        </Panel>
      )}
    </>
  );
}

/** Asks for the number of recipients before the campaign starts. */
function Launch({ c, count, run, close }: { c: CampaignView; count?: number; run: () => Promise<void>; close: () => void }) {
  const [typed, setTyped] = useState("");
  const expected = String(count ?? c.counts?.total ?? 0);
  return (
    <Dialog title={ask("Launch", c.name)} onClose={close}>
      {count === undefined && <p className="note warn">It was not validated here. Validate first to see who would get a message.</p>}
      {count === 0 && <p className="note warn">Nobody would get a message. Edit the audience first.</p>}
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

const statuses = [
  "waiting",
  "held",
  "queued",
  "sending",
  "sent",
  "delivered",
  "read",
  "failed",
  "unknown",
  "expired",
  "cancelled",
  "skipped",
];

function Recipients({ id }: { id: number }) {
  const [url] = useUrl();
  const query = { status: url.status as "sent", search: url.q, cursor: url.cursor };
  const list = useGet(["campaign", id, "recipients", query], () => getCampaignsIdRecipients({ client, path: { id }, query }), {
    every: 5000,
  });
  const rows = list.data?.data ?? [];
  return (
    <Panel title="Recipients">
      <div className="stack">
        <Search label="Search recipients" placeholder="Number" button>
          <Choice name="status" label="Status" options={statuses} />
          <a className="btn" href={`/v1/campaigns/${id}/report.csv`} download>
            Report as CSV
          </a>
        </Search>
        <ErrorBox error={list.error} retry={list.refetch} />
        {list.data && !list.data.next_cursor && rows.length === 0 && (
          <Empty title={url.q || url.status ? "No recipient matches" : "No recipient yet"}>
            {url.q || url.status ? (
              <Link to="/campaigns/$id" params={{ id: String(id) }}>
                Show all recipients
              </Link>
            ) : (
              "They appear here as soon as the audience is read."
            )}
          </Empty>
        )}
        {rows.length > 0 && (
          <Table
            label="Recipients and their messages"
            rows={rows}
            id={(r) => r.row ?? 0}
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
              { name: "Reason", cell: (r) => words(r.reason ?? r.waits_for) },
              { name: "Next try", cell: (r) => <Time at={r.next_attempt_at} /> },
            ]}
          />
        )}
        <Pager next={list.data?.next_cursor} rows={rows.length} />
      </div>
    </Panel>
  );
}
