import type { Import } from "@sendoff/client";
import { useState } from "react";
import { Badge, ErrorBox, Field, Foreign, Table } from "./ui";
import { upload } from "./upload";
import { number } from "./words";

const counts = ["lines", "created", "updated", "unchanged", "duplicate", "suppressed", "bad"] as const;

/** Uploads a file in two steps: the parsed table is shown before anything is written. */
export function Importer({ query, use = "Import", done }: { query: Record<string, string>; use?: string; done: (v: Import) => void }) {
  const [file, setFile] = useState<File>();
  const [view, setView] = useState<Import>();
  const [written, setWritten] = useState(false);
  const [map, setMap] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async (f: File, dry: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      const v = await upload(f, { ...query, ...(dry ? { dry_run: "true" } : {}) }, dry ? {} : map, setView);
      if (dry) setMap(Object.fromEntries((v.columns ?? []).map((c) => [c.name, c.field])));
      else {
        setWritten(true);
        if (v.status === "done") done(v);
      }
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="stack">
      <Field label="File" hint="CSV, NDJSON or XLSX, with a header line and a column of phone numbers.">
        <input
          type="file"
          accept=".csv,.ndjson,.xlsx,text/csv"
          onChange={(e) => {
            const f = e.target.files?.[0];
            setFile(f);
            setView(undefined);
            setWritten(false);
            if (f) run(f, true);
          }}
        />
      </Field>
      <ErrorBox error={error} />
      {busy && (
        <p className="soft" role="status">
          Reading the file …
        </p>
      )}
      {view && !busy && <Result view={view} written={written} />}
      {view && (view.columns ?? []).length > 0 && !written && <Columns view={view} map={map} change={setMap} />}
      {file && view && !written && (
        <div>
          <button type="button" className="btn primary" disabled={busy || view.status !== "done"} onClick={() => run(file, false)}>
            {use}
          </button>
        </div>
      )}
    </div>
  );
}

/** What an upload, or the look at it before, has found. */
function Result({ view, written }: { view: Import; written: boolean }) {
  const stopped = view.status === "stopped" || view.status === "failed";
  return (
    <div className="stack">
      <p className={stopped ? "note bad" : written ? "note good" : "note"}>
        {stopped
          ? "Too many rows are bad: nothing was written. Look at them, correct the file and upload it again."
          : written
            ? "The file is imported."
            : `The file has ${number(view.lines ?? 0)} rows. Nothing is written yet.`}
      </p>
      <div className="row">
        <Badge>{view.status}</Badge>
        {counts
          .filter((n) => n === "lines" || (view[n] ?? 0) > 0)
          .map((n) => (
            <span key={n}>
              {n === "created" && !written ? "good" : n}: <strong>{number(view[n] ?? 0)}</strong>
            </span>
          ))}
        {view.encoding && (
          <span className="soft">
            {view.encoding}
            {view.delimiter && `, separated by ${view.delimiter === "\t" ? "tabs" : view.delimiter}`}
          </span>
        )}
        {(view.bad ?? 0) > 0 && (
          <a href={`/v1/imports/${view.id}/errors.csv`} download>
            Bad rows as CSV
          </a>
        )}
      </div>
    </div>
  );
}

/** The parsed columns with a sample, and what each becomes. */
function Columns(props: { view: Import; map: Record<string, string>; change: (map: Record<string, string>) => void }) {
  const { view, map, change } = props;
  return (
    <>
      <Table
        label="Columns"
        rows={view.columns ?? []}
        id={(c) => c.name}
        columns={[
          { name: "Column", cell: (c) => <Foreign>{c.name}</Foreign> },
          { name: "Sample", cell: (c) => <Foreign>{c.sample}</Foreign> },
          {
            name: "Becomes",
            cell: (c) => (
              <input
                aria-label={`Field of the column ${c.name}`}
                list="targets"
                value={map[c.name] ?? c.field}
                onChange={(e) => change({ ...map, [c.name]: e.target.value })}
              />
            ),
          },
        ]}
      />
      <p className="soft">A column becomes phone, name, time_zone, a field such as fields.order, or - to leave it out.</p>
      <datalist id="targets">
        {["phone", "name", "time_zone", "-", ...(view.columns ?? []).map((c) => `fields.${c.name}`)].map((v) => (
          <option key={v} value={v} />
        ))}
      </datalist>
    </>
  );
}
