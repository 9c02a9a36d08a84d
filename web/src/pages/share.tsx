import { getShareToken } from "@sendoff/client";
import { useParams } from "@tanstack/react-router";
import { client, useGet } from "../api";
import { Badge, ErrorBox, Loading, Page, Panel, Time } from "../ui";

export function Share() {
  const { token } = useParams({ strict: false }) as { token: string };
  const shared = useGet(["share", token], () => getShareToken({ client, path: { token } }), { every: 5000 });
  const m = shared.data;
  return (
    <main className="main">
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
                  <li key={`${e.sequence} ${e.at} ${e.type}`}>
                    <strong>{e.type}</strong> {e.outcome} <Time at={e.at} />
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
