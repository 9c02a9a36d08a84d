import type { Problem } from "@sendoff/client";
import {
  cloneElement,
  type FormEvent,
  type HTMLAttributes,
  type ReactElement,
  type ReactNode,
  useEffect,
  useId,
  useRef,
  useState,
} from "react";
import { problemOf } from "./api";
import { format, until, useMinutes, useZone } from "./clock";
import { adrift, focus } from "./focus";
import { number } from "./words";

export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Sendoff`;
  }, [title]);
  return (
    <>
      <div className="head">
        <h1>
          <bdi>{title}</bdi>
        </h1>
        <div className="row push">{actions}</div>
      </div>
      <div className="stack">{children}</div>
    </>
  );
}

export function Panel({ title, children, label }: { title?: string; label?: string; children: ReactNode }) {
  return (
    <section className="panel" aria-label={label ?? title}>
      {title && (
        <h2>
          <bdi>{title}</bdi>
        </h2>
      )}
      {children}
    </section>
  );
}

/** A date and its time of day: a narrow column breaks between them, and nowhere else. */
function Chunks({ text }: { text: string }) {
  const [date, time] = text.split(", ");
  return (
    <>
      <span className="whole">{time ? `${date},` : date}</span>
      {time && (
        <>
          {" "}
          <span className="whole">{time}</span>
        </>
      )}
    </>
  );
}

/** How long it is until a time, or since. */
function Until({ at }: { at: string }) {
  useMinutes();
  return <span className="soft"> ({until(at)})</span>;
}

export function Time({ at, relative }: { at?: string | null; relative?: boolean }) {
  const zone = useZone();
  if (!at) return <span className="soft">–</span>;
  return (
    <time dateTime={at} title={`${format(at, "utc")} · ${format(at, "mine")}`}>
      <Chunks text={format(at, zone)} />
      {relative && <Until at={at} />}
    </time>
  );
}

const tones: Record<string, string> = {
  delivered: "good",
  read: "good",
  sent: "good",
  active: "good",
  closed: "good",
  approved: "good",
  finished: "good",
  done: "good",
  enabled: "good",
  failed: "bad",
  expired: "bad",
  open: "bad",
  rejected: "bad",
  disabled: "bad",
  stopped: "bad",
  unknown: "warn",
  cancelled: "warn",
  paused: "warn",
  inactive: "warn",
  held: "warn",
  undone: "warn",
  test: "info",
  queued: "info",
  sending: "info",
  scheduled: "info",
  running: "info",
  draft: "info",
};

export function Badge({ children, tone }: { children: string; tone?: string }) {
  return <span className={`badge ${tone ?? tones[children] ?? ""}`}>{children}</span>;
}

/** Shows an error with what to do next: signing in again, the same once more, or the link that is given. */
export function ErrorBox({ error, retry, next }: { error: unknown; retry?: () => void; next?: ReactNode }) {
  if (!error) return null;
  const p: Problem = problemOf(error);
  return (
    <div className="note bad" role="alert">
      <strong>{p.detail}</strong>
      {p.errors?.map((e) => (
        <div key={e.pointer + e.detail}>
          <code>{e.pointer}</code> {e.detail}
        </div>
      ))}
      {p.request_id && <div className="soft">Request {p.request_id}</div>}
      <div className="row next">
        {p.status === 401 && location.pathname !== "/sign-in" && (
          <a className="btn small" href={`/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`}>
            Sign in again
          </a>
        )}
        {retry && (
          <button type="button" className="btn small" onClick={retry}>
            Try again
          </button>
        )}
        {next}
      </div>
    </div>
  );
}

/** The page of something that is being read, or can't be. */
export function Pending({ title, query, next }: { title: string; query: { error: unknown; refetch: () => void }; next?: ReactNode }) {
  return <Page title={title}>{query.error ? <ErrorBox error={query.error} retry={query.refetch} next={next} /> : <Loading />}</Page>;
}

/** Reports whether the same call may succeed a moment later. */
function passes(error: unknown): boolean {
  const { status = 0 } = problemOf(error);
  return status === 0 || status === 429 || status >= 500;
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="panel empty">
      <strong>{title}</strong>
      <div className="soft">{children}</div>
    </div>
  );
}

export interface Column<T> {
  name: string;
  cell: (row: T) => ReactNode;
  num?: boolean;
}

/** An explicit role: Safari forgets that of a table whose parts are laid out as cards. */
const as = (role: string) => ({ role });

/** A dense table, which becomes cards on a phone. */
export function Table<T>({
  label,
  rows,
  columns,
  id,
}: {
  label: string;
  rows: T[];
  columns: Column<T>[];
  id: (row: T) => string | number;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="scroll" aria-label={label} tabIndex={0}>
      <table className="cards" {...as("table")}>
        <caption className="sr">{label}</caption>
        <thead {...as("rowgroup")}>
          <tr {...as("row")}>
            {columns.map((c) => (
              <th key={c.name} scope="col" {...as("columnheader")} className={c.num ? "num" : undefined}>
                {c.name || <span className="sr">Actions</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody {...as("rowgroup")}>
          {rows.map((row) => (
            <tr key={id(row)} {...as("row")}>
              {columns.map((c) => (
                <td key={c.name} data-label={c.name} {...as("cell")} className={c.num ? "num" : c.name ? undefined : "actions"}>
                  <div>{c.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A control with its label; the hint describes it, and is no part of its name. */
export function Field({ label, hint, children }: { label: string; hint?: string; children: ReactElement<HTMLAttributes<HTMLElement>> }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children, { id, "aria-describedby": hint ? `${id}-hint` : undefined })}
      {hint && (
        <small id={`${id}-hint`} className="soft">
          {hint}
        </small>
      )}
    </div>
  );
}

/** Puts a text on the clipboard; a page without TLS has only the old way. */
async function copy(text: string, from: HTMLElement) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.readOnly = true;
    box.className = "sr";
    from.after(box); // a modal dialog lets nothing outside be chosen
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    from.focus();
    if (!done) throw new Error("The browser refused.");
  }
}

export function Copy({ text, label = "Copy" }: { text: string; label?: string }) {
  const [said, say] = useState("");
  return (
    <>
      <button
        type="button"
        className="btn small"
        onClick={async (e) => {
          say(
            await copy(text, e.currentTarget).then(
              () => "Copied",
              () => "Not copied: choose the text and copy it by hand",
            ),
          );
          setTimeout(() => say(""), 3000);
        }}
      >
        {label}
      </button>
      <span role="status" className="soft">
        {said}
      </span>
    </>
  );
}

/** A modal dialog; closes on Escape. The focus comes back to what had it, or to the page when that is gone. */
export function Dialog({ title, onClose, children }: { title: ReactNode; onClose: () => void; children: ReactNode }) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    ref.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      // Another dialog may follow, such as the secret of a new key, or a key that moves the focus.
      setTimeout(() => document.querySelector("dialog[open]") || !adrift() || focus(before));
    };
  }, []);
  return (
    <dialog ref={ref} aria-labelledby={id} onClose={onClose}>
      <div className="stack">
        <h2 id={id}>{title}</h2>
        {children}
      </div>
      {/* A phone has no Escape. It comes last: the first stop is what the dialog is for. */}
      <button type="button" className="close" aria-label="Close" onClick={onClose}>
        ×
      </button>
    </dialog>
  );
}

/** A form that shows the error of what it does. */
export function Form({
  submit,
  label,
  children,
  disabled,
  wide,
  saved,
}: {
  submit: (values: Record<string, string>) => Promise<unknown>;
  label: string;
  children: ReactNode;
  disabled?: boolean;
  wide?: boolean;
  saved?: string; // shown after a submit without an error
}) {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const run = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (busy) return;
    const values: Record<string, string> = {};
    for (const [name, value] of new FormData(event.currentTarget)) {
      if (typeof value === "string") values[name] = values[name] ? `${values[name]},${value}` : value;
    }
    setBusy(true);
    setError(undefined);
    setDone(false);
    try {
      await submit(values);
      setDone(true);
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={wide ? "form wide" : "form"} onSubmit={run}>
      {children}
      <ErrorBox error={error} />
      {done && saved && (
        <p className="note good" role="status">
          {saved}
        </p>
      )}
      <div className="row">
        <button type="submit" className="btn primary" aria-disabled={busy} disabled={disabled}>
          {label}
        </button>
      </div>
    </form>
  );
}

/** A button whose error is shown beside it; with confirm it asks first. */
export function Act({
  children,
  run,
  confirm,
  className = "btn small",
}: {
  children: ReactNode;
  run: () => Promise<unknown>;
  confirm?: ReactNode;
  className?: string;
}) {
  const [error, setError] = useState<unknown>();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const go = async () => {
    setAsking(false);
    setBusy(true);
    setError(undefined);
    try {
      await run();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <button
        type="button"
        className={className}
        aria-disabled={busy}
        onClick={() => (busy ? undefined : confirm ? setAsking(true) : go())}
      >
        {children}
      </button>
      {error !== undefined && <ErrorBox error={error} retry={passes(error) ? go : undefined} />}
      {asking && (
        <Dialog title={confirm} onClose={() => setAsking(false)}>
          <div className="row">
            <button type="button" className={`btn primary ${className.includes("danger") ? "destroys" : ""}`} onClick={go}>
              {children}
            </button>
            <button type="button" className="btn" data-first onClick={() => setAsking(false)}>
              Keep
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

/** A question about something that has a name which others may have chosen. */
export const ask = (before: string, name?: string | null, after = "?") => (
  <>
    {before} <bdi>{name}</bdi>
    {after}
  </>
);

/** The most that is shown at once of a text that others wrote. */
const most = 300;

/** Text that others wrote: shown as it is, isolated from the direction of the page. A long one is shown on demand. */
export function Foreign({ children, className }: { children?: string | null; className?: string }) {
  const [whole, setWhole] = useState(false);
  const text = children || "–";
  // A word that fits a column is not broken.
  const fits = /\S{25}/.test(text) ? "" : "fits";
  if (text.length <= most) return <bdi className={`${fits} ${className ?? ""}`}>{text}</bdi>;
  if (whole) return <Json value={text} label="The whole text" />;
  return (
    <>
      {/* A pair of surrogates is not cut in two. */}
      <bdi className={className}>{text.slice(0, most).replace(/[\ud800-\udbff]$/, "")}…</bdi>{" "}
      <button type="button" className="btn small" onClick={() => setWhole(true)}>
        All {number(text.length)} characters
      </button>
    </>
  );
}

export function Json({ value, label }: { value: unknown; label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <pre className="code" tabIndex={0} aria-label={label} role="region">
      {typeof value === "string" ? value : JSON.stringify(value, null, 2)}
    </pre>
  );
}

export function Loading() {
  return (
    <p className="soft" role="status">
      Loading …
    </p>
  );
}
