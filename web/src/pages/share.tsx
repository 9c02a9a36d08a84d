import { getShareToken } from "@sendoff/client";
import { useParams } from "@tanstack/react-router";
import { client, useGet } from "../api";
import { Badge, ErrorBox, Loading, Page, Panel, Time } from "../ui";
import { titleOf, toneOf } from "./message-timeline";

export function Share() {
  const { token } = useParams({ strict: false }) as { token: string };
  const shared = useGet(["share", token], () => getShareToken({ client, path: { token } }), { every: 5000 });
  const m = shared.data;
  return (
    <main className="main shared">
      <div className="brand">
        <img src="/icon.svg" width="22" height="22" alt="" /> Sendoff
      </div>
      <Page title="Message">
        {shared.error && <ErrorBox error={shared.error} />}
        {!m && !shared.error && <Loading />}
        {m && (
          <>
            <Panel title="Status">
              <div className="row">
                <Badge>{m.status ?? ""}</Badge> <span>{m.to}</span>
                <span className="soft">
                  {m.channel} · {m.type}
                </span>
              </div>
            </Panel>
            <Panel title="Timeline">
              <ol className="timeline">
                {(m.events ?? []).map((e) => (
                  <li key={`${e.sequence} ${e.at} ${e.type}`} className={toneOf(`${e.type} ${e.outcome}`)}>
                    <strong>{titleOf({ type: e.type, outcome: e.outcome })}</strong>
                    <div>
                      <Time at={e.at} />
                    </div>
                  </li>
                ))}
              </ol>
            </Panel>
          </>
        )}
      </Page>
    </main>
  );
}
