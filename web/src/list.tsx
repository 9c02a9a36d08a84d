// The controls of a list page. What is chosen stands in the page's URL: ?q=, ?cursor= and the filters.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useUrl } from "./search";
import { Dialog } from "./ui";

/** The row above a list; who may gets a button beside the controls, which opens a form. */
export function Tools({
  children,
  may,
  name,
  form,
}: {
  children?: ReactNode;
  may: boolean;
  name: string;
  form: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <div className="row">
      {children}
      {may && (
        <button type="button" className="btn primary" onClick={() => setOpen(true)}>
          {name}
        </button>
      )}
      {open && (
        <Dialog title={name} onClose={() => setOpen(false)}>
          {form(() => setOpen(false))}
        </Dialog>
      )}
    </div>
  );
}

/** A search box, and beside it the filters and links of the list. Find takes what was typed; without it, ?q= does. */
export function Search({
  label,
  placeholder = label,
  size,
  button,
  find,
  children,
}: {
  label: string;
  placeholder?: string;
  size?: number;
  /** Shows a button beside the box; Enter searches in any case. */
  button?: boolean;
  find?: (text: string) => void;
  children?: ReactNode;
}) {
  const [url, setUrl] = useUrl();
  const box = useRef<HTMLInputElement>(null);
  // The box shows what the URL says, also after a link or the back button has changed it.
  useEffect(() => {
    if (box.current) box.current.value = url.q ?? "";
  }, [url.q]);
  return (
    <form
      className="row"
      onSubmit={(e) => {
        e.preventDefault();
        const text = box.current?.value ?? "";
        if (find) find(text);
        else setUrl({ q: text, cursor: undefined });
      }}
    >
      <label>
        <span className="sr">{label}</span>
        <input ref={box} name="q" type="search" size={size} placeholder={placeholder} defaultValue={url.q} />
      </label>
      {button && (
        <button type="submit" className="btn">
          Search
        </button>
      )}
      {children}
    </form>
  );
}

/** A select that filters the list by one of its fields; an option is a value, or a value and its text. */
export function Choice({ name, label, options }: { name: string; label: string; options: (string | [value: string, text: string])[] }) {
  const [url, setUrl] = useUrl();
  return (
    <label>
      <span className="sr">{label}</span>
      <select value={url[name] ?? ""} onChange={(e) => setUrl({ [name]: e.target.value, cursor: undefined })}>
        <option value="">{label}: all</option>
        {options
          .map((o) => (typeof o === "string" ? [o, o] : o))
          .map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
      </select>
    </label>
  );
}

/** The buttons to the next page and back to the first. A page without rows that has a next one says that only a part was searched. */
export function Pager({ next, rows }: { next?: string; rows: number }) {
  const [{ cursor }, setUrl] = useUrl();
  if (!cursor && !next) return null;
  return (
    <div className="row">
      {next && rows === 0 && <strong role="status">Nothing found so far: only a part of the list was searched.</strong>}
      {cursor && (
        <button type="button" className="btn" onClick={() => setUrl({ cursor: undefined })}>
          First page
        </button>
      )}
      {next && (
        <button type="button" className="btn" onClick={() => setUrl({ cursor: next })}>
          {rows === 0 ? "Look further" : "Next page"}
        </button>
      )}
    </div>
  );
}
