import { QueryClientProvider } from "@tanstack/react-query";
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  RouterProvider,
  retainSearchParams,
} from "@tanstack/react-router";
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queries } from "./api";
import { isStale } from "./build";
import { Broken, NotFound } from "./pages/broken";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/sign-in";
import { Shell } from "./shell";
import "./style.css";

type Search = Record<string, string | undefined>;
const validateSearch = (s: Record<string, unknown>): Search => s as Search;

/** Loads a page when it is needed; one that is gone never comes, as the tab is loaded anew. */
function later<K extends string>(load: () => Promise<Record<K, () => ReactNode>>, name: K) {
  return lazyRouteComponent(() => load().then((m) => m ?? new Promise<Record<K, () => ReactNode>>(() => {})), name);
}

const root = createRootRoute({
  component: Outlet,
  validateSearch,
  search: { middlewares: [retainSearchParams(["zone"])] }, // one zone on every page
});
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });
const under = { getParentRoute: () => shell, validateSearch };

const routes = root.addChildren([
  createRoute({ getParentRoute: () => root, path: "/sign-in", component: SignIn, validateSearch }),
  createRoute({ getParentRoute: () => root, path: "/share/$token", component: later(() => import("./pages/share"), "Share") }),
  shell.addChildren([
    createRoute({ ...under, path: "/", component: Overview }),
    createRoute({ ...under, path: "/messages", component: later(() => import("./pages/messages"), "Messages") }),
    createRoute({ ...under, path: "/messages/$id", component: later(() => import("./pages/message"), "Message") }),
    createRoute({ ...under, path: "/scheduled", component: later(() => import("./pages/scheduled"), "Scheduled") }),
    createRoute({ ...under, path: "/campaigns", component: later(() => import("./pages/campaigns"), "Campaigns") }),
    createRoute({ ...under, path: "/campaigns/new", component: later(() => import("./pages/campaign-new"), "NewCampaign") }),
    createRoute({ ...under, path: "/campaigns/$id", component: later(() => import("./pages/campaign"), "Campaign") }),
    createRoute({ ...under, path: "/contacts", component: later(() => import("./pages/contacts"), "Contacts") }),
    createRoute({ ...under, path: "/templates", component: later(() => import("./pages/templates"), "Templates") }),
    createRoute({ ...under, path: "/channels", component: later(() => import("./pages/channels"), "Channels") }),
    createRoute({ ...under, path: "/keys", component: later(() => import("./pages/keys"), "Keys") }),
    createRoute({ ...under, path: "/playground", component: later(() => import("./pages/playground"), "Playground") }),
    createRoute({ ...under, path: "/webhooks", component: later(() => import("./pages/webhooks"), "Webhooks") }),
    createRoute({ ...under, path: "/team", component: later(() => import("./pages/team"), "Team") }),
    createRoute({ ...under, path: "/audit", component: later(() => import("./pages/audit"), "Audit") }),
    createRoute({ ...under, path: "$", component: NotFound }),
    createRoute({ ...under, path: "/settings", component: later(() => import("./pages/settings"), "Settings") }),
  ]),
]);

const router = createRouter({
  routeTree: routes,
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  // Plain text in the URL: ?status=failed.
  parseSearch: (s) => Object.fromEntries(new URLSearchParams(s)),
  stringifySearch: (s) => {
    const q = new URLSearchParams(Object.entries(s).filter((e): e is [string, string] => typeof e[1] === "string" && e[1] !== ""));
    return q.size ? `?${q}` : "";
  },
});

// A tab that is older than the server loads the next page anew.
router.subscribe("onBeforeNavigate", ({ pathChanged, toLocation }) => {
  if (pathChanged && isStale()) location.assign(toLocation.href);
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  </StrictMode>,
);
