import { deleteSession, type SessionBody } from "@sendoff/client";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { client, queries, useSession } from "./api";
import { useStale } from "./build";
import { keepZone, mine, showZoneOf, useZone } from "./clock";
import { follow } from "./live";
import { pages } from "./menu";
import { useUrl } from "./search";
import { Dialog, ErrorBox, Loading } from "./ui";

/** Puts the cursor into the page's search box; a page without one gives way to the messages. */
async function search(away: () => Promise<void>) {
  const box = () => document.querySelector<HTMLInputElement>('input[type="search"]');
  if (!box()) await away();
  for (const until = Date.now() + 3000; !box() && Date.now() < until; ) await new Promise(requestAnimationFrame);
  box()?.focus();
}

/** Says the title of a page that was gone to, for those who do not see it. */
function Announcer() {
  const { pathname } = useLocation();
  const [said, say] = useState("");
  const first = useRef(pathname);
  useEffect(() => {
    if (pathname === first.current) return;
    first.current = "";
    const timer = setTimeout(() => say(document.title), 300);
    return () => clearTimeout(timer);
  }, [pathname]);
  return (
    <div className="sr" role="status">
      {said}
    </div>
  );
}

/** Keyboard: / searches, ? helps, g and a letter goes to a page. */
function useKeys(help: () => void) {
  const navigate = useNavigate();
  useEffect(() => {
    let go = false;
    const press = (e: KeyboardEvent) => {
      const at = e.target as HTMLElement;
      if (e.metaKey || e.ctrlKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) || at.closest("dialog")) return;
      if (go) {
        go = false;
        const page = pages.find((p) => p[2] === e.key);
        if (page) navigate({ to: page[1] });
      } else if (e.key === "g") {
        go = true;
        setTimeout(() => {
          go = false;
        }, 1500);
      } else if (e.key === "?") {
        help();
      } else if (e.key === "/") {
        e.preventDefault();
        search(() => navigate({ to: "/messages" }));
      }
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [navigate, help]);
}

function Theme() {
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "");
  return (
    <label>
      <span className="sr">Theme</span>
      <select
        value={theme}
        onChange={(e) => {
          const next = e.target.value;
          setTheme(next);
          if (next) document.documentElement.dataset.theme = next;
          else delete document.documentElement.dataset.theme;
          try {
            localStorage.setItem("theme", next);
          } catch {}
        }}
      >
        <option value="">System theme</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}

function Zone() {
  const zone = useZone();
  const [url, setUrl] = useUrl();
  useEffect(() => showZoneOf(url.zone), [url.zone]);
  return (
    <label>
      <span className="sr">Time zone</span>
      <select
        value={zone}
        onChange={(e) => {
          keepZone(e.target.value);
          setUrl({ zone: e.target.value });
        }}
      >
        <option value="mine">Mine: {mine}</option>
        <option value="utc">UTC</option>
      </select>
    </label>
  );
}

/** Who is signed in, and the switches of the whole dashboard. */
function Foot({ session }: { session: SessionBody }) {
  return (
    <div className="foot">
      <Zone />
      <Theme />
      <div className="soft">
        <bdi>{session.user?.name ?? "API key"}</bdi> · {session.role}
        <br />
        <bdi>{session.account?.name}</bdi>
      </div>
      <button
        type="button"
        className="btn small"
        onClick={async () => {
          await deleteSession({ client });
          queries.clear();
          location.assign("/sign-in");
        }}
      >
        Sign out
      </button>
    </div>
  );
}

/** What every page stands in. The same is in index.html, for the time before the scripts run. */
function Frame({ foot, children }: { foot?: ReactNode; children: ReactNode }) {
  const { pathname } = useLocation();
  const [open, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu
  useEffect(() => setOpen(false), [pathname]);
  return (
    <div className="shell">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <button type="button" className="btn" aria-expanded={open} aria-controls="menu" onClick={() => setOpen(!open)}>
          Menu
        </button>
        <span className="brand">Sendoff</span>
      </header>
      <aside className={open ? "side open" : "side"} id="menu" aria-label="Sidebar">
        <div className="brand">
          <img src="/icon.svg" width="22" height="22" alt="" /> Sendoff
        </div>
        <nav aria-label="Pages">
          {pages.map(([name, to]) => (
            <Link key={to} to={to} activeOptions={{ exact: to === "/", includeSearch: false }}>
              {name}
            </Link>
          ))}
        </nav>
        {foot}
      </aside>
      {children}
    </div>
  );
}

/** The frame of every page but sign-in and shared messages. */
export function Shell() {
  const session = useSession();
  const navigate = useNavigate();
  const [help, setHelp] = useState(false);
  const stale = useStale();
  useKeys(() => setHelp(true));
  useEffect(() => {
    if (session.data) follow();
  }, [session.data]);
  const status = (session.error as { status?: number } | null)?.status;
  useEffect(() => {
    if (status === 401) navigate({ to: "/sign-in", search: { next: location.pathname + location.search }, replace: true });
  }, [status, navigate]);
  const failed = session.error && status !== 401 ? <ErrorBox error={session.error} retry={session.refetch} /> : null;
  return (
    <Frame foot={session.data && <Foot session={session.data} />}>
      <main className="main" id="content" tabIndex={-1}>
        {stale && (
          <div className="note warn row stale" role="status">
            Sendoff was updated. Reload the page to go on with the new version.
            <button type="button" className="btn small" onClick={() => location.reload()}>
              Reload
            </button>
          </div>
        )}
        {session.data ? <Outlet /> : (failed ?? <Loading />)}
      </main>
      <Announcer />
      {help && (
        <Dialog title="Keyboard" onClose={() => setHelp(false)}>
          <dl className="facts">
            <dt>/</dt>
            <dd>Search</dd>
            <dt>?</dt>
            <dd>This help</dd>
            {pages.map(([name, , key]) => (
              <div key={key} className="contents">
                <dt>g {key}</dt>
                <dd>{name}</dd>
              </div>
            ))}
          </dl>
        </Dialog>
      )}
    </Frame>
  );
}
