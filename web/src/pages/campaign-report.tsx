import { type CampaignValidation, getCampaignsIdPreview } from "@sendoff/client";
import { useState } from "react";
import { client, useGet } from "../api";
import { Bubble } from "../bubble";
import { ErrorBox, Foreign, Panel, Table, Time } from "../ui";
import { amount, number, words } from "../words";

/** The name of a rendering: the first is the longest, the others are the oddest. */
function heading(i: number, why?: string) {
  if (i === 0) return "The longest message";
  return why ? `Unusual: ${words(why)}` : "Another message";
}

/** What a launch would do: who gets a message, who doesn't and why, and when. */
export function Report({ v }: { v: CampaignValidation }) {
  const skipped = Object.entries(v.would_skip ?? {});
  return (
    <Panel title="Validation">
      <div className="stack">
        <p className={v.ready ? "note good" : "note warn"}>
          {v.ready ? "Ready to launch. " : "Not ready yet. "}
          {number(v.recipients ?? 0)} people would get a message.
          {skipped.map(([reason, n]) => ` ${number(n)} skipped: ${words(reason)}.`)}
          {v.zone_from_account ? ` ${number(v.zone_from_account)} have no known time zone: the account's counts.` : ""}
        </p>
        <dl className="facts">
          <dt>Starts</dt>
          <dd>
            <Time at={v.starts_at} relative />
          </dd>
          <dt>Ends</dt>
          <dd>
            <Time at={v.ends_at} relative />
          </dd>
          {v.segments ? (
            <>
              <dt>Segments</dt>
              <dd>{number(v.segments)}</dd>
            </>
          ) : null}
          <dt>Price</dt>
          <dd>{amount(v.price)} credits</dd>
        </dl>
        <Forecast hours={v.forecast ?? []} />
        <div className="grid3">
          {[v.longest, ...(v.odd ?? [])]
            .filter((s) => !!s?.rendering)
            .map((s, i) => (
              <div key={`${s?.to} ${s?.why}`}>
                <h3>{heading(i, s?.why)}</h3>
                <Bubble shown={{ body: s?.rendering }} label={`Message to ${s?.to}`} />
              </div>
            ))}
        </div>
        {(v.problems ?? []).length > 0 && (
          <>
            <Table
              label="Problems"
              rows={(v.problems ?? []).map((p, i) => ({ ...p, i }))}
              id={(p) => p.i}
              columns={[
                { name: "Line", cell: (p) => p.line ?? p.contact },
                { name: "To", cell: (p) => <Foreign>{p.to}</Foreign> },
                { name: "Reason", cell: (p) => words(p.reason) },
                { name: "Field", cell: (p) => p.field },
                { name: "Detail", cell: (p) => <Foreign>{p.detail}</Foreign> },
              ]}
            />
            {v.problems_csv && (
              <div>
                <a className="btn" href={v.problems_csv} download>
                  All problems as CSV
                </a>
              </div>
            )}
          </>
        )}
      </div>
    </Panel>
  );
}

/** Recipients by hour, as bars in a table. */
function Forecast({ hours }: { hours: { hour?: string; recipients?: number }[] }) {
  const most = Math.max(1, ...hours.map((f) => f.recipients ?? 0));
  if (hours.length === 0) return null;
  return (
    <div>
      <h3>Forecast</h3>
      <table className="bars">
        <caption className="sr">Recipients by hour</caption>
        <thead>
          <tr>
            <th scope="col">Hour</th>
            <th scope="col" className="num">
              Recipients
            </th>
            <th scope="col">
              <span className="sr">Bar</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {hours.map((f) => (
            <tr key={f.hour}>
              <td>
                <Time at={f.hour} />
              </td>
              <td className="num">{number(f.recipients ?? 0)}</td>
              <td>
                <meter aria-label={`Recipients at ${f.hour}`} min={0} max={most} value={f.recipients ?? 0} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Any row of the audience as the server renders it. */
export function RowPreview({ id, total }: { id: number; total: number }) {
  const [row, setRow] = useState(1);
  const shown = useGet(["preview", id, row], () => getCampaignsIdPreview({ client, path: { id }, query: { recipient: row } }));
  const p = shown.data;
  return (
    <Panel title="Preview of a row">
      <div className="stack">
        <div className="row">
          <label className="row">
            <span>Row</span>
            <input
              type="number"
              min={1}
              max={total || undefined}
              value={row}
              onChange={(e) => setRow(Math.max(1, Number(e.target.value)))}
            />
          </label>
          {p && (
            <span className="soft">
              to <Foreign>{p.to}</Foreign> {p.due_at && <Time at={p.due_at} />}
            </span>
          )}
        </div>
        <ErrorBox error={shown.error} />
        {p?.reason && (
          <p className="note warn">
            This row is skipped: {words(p.reason)} {p.field} <Foreign>{p.detail ?? ""}</Foreign>
          </p>
        )}
        {p?.rendering && <Bubble shown={{ body: p.rendering }} />}
      </div>
    </Panel>
  );
}
