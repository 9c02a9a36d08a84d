import { useState } from "react";
import { Badge, ErrorBox, Field, Table } from "./ui";
import { type ImportView, upload } from "./upload";

const counts = ["lines", "created", "updated", "unchanged", "duplicate", "suppressed", "bad"] as const;

/** Uploads a file in two steps: the parsed table is shown before anything is written. */
export function Importer({ query, done }: { query: Record<string, string>; done: (v: ImportView) => void }) {
  const [file, setFile] = useState<File>();
  const [view, setView] = useState<ImportView>();
  const [map, setMap] = useState<Record<string, string>>({});
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const run = async (f: File, dry: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      const v = await upload(f, { ...query, ...(dry ? { dry_run: "true" } : {}) }, dry ? {} : map, setView);
      if (dry) setMap(Object.fromEntries((v.columns ?? []).map((c) => [c.name, c.field])));
      else done(v);
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
      {view && (
        <>
          <div className="row">
            <Badge>{view.status}</Badge>
            {counts.map((n) => (
              <span key={n}>
                {n}: <strong>{(view[n] ?? 0).toLocaleString("en")}</strong>
              </span>
            ))}
            {(view.bad ?? 0) > 0 && (
              <a href={`/v1/imports/${view.id}/errors.csv`} download>
                Bad rows as CSV
              </a>
            )}
          </div>
          {(view.columns ?? []).length > 0 && (
            <Table
              label="Columns"
              rows={view.columns ?? []}
              id={(c) => c.name}
              columns={[
                { name: "Column", cell: (c) => <bdi>{c.name}</bdi> },
                { name: "Sample", cell: (c) => <bdi>{c.sample}</bdi> },
                {
                  name: "Becomes",
                  cell: (c) => (
                    <input
                      aria-label={`Field of the column ${c.name}`}
                      value={map[c.name] ?? c.field}
                      onChange={(e) => setMap({ ...map, [c.name]: e.target.value })}
                    />
                  ),
                },
              ]}
            />
          )}
          {file && (
            <div>
              <button type="button" className="btn primary" disabled={busy} onClick={() => run(file, false)}>
                Import
              </button>
            </div>
          )}
        </>
      )}
    </div>
  );
}
