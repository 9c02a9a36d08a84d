import { getChannels, patchChannelsId, postChannelsIdPause, postChannelsIdResume } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { client, queries, useCan, useGet } from "../api";
import { Act, Badge, Copy, Empty, ErrorBox, Loading, Page, Panel, Time } from "../ui";

const again = () => queries.invalidateQueries({ queryKey: ["channels"] });

export function Channels() {
  const list = useGet(["channels"], () => getChannels({ client, query: { limit: 100 } as never }), { every: 5000 });
  const manage = useCan("manage");
  const rows = list.data?.data ?? [];
  return (
    <Page title="Channels">
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && (
        <Empty title="No channel yet">
          Add one from a shell: <code>sendoff channel create --help</code>
        </Empty>
      )}
      <div className="grid2">
        {rows.map((c) => (
          <Panel key={c.id} title={c.name}>
            <div className="row">
              <Badge>{c.enabled ? "enabled" : "disabled"}</Badge>
              <Badge>{c.health?.state ?? "closed"}</Badge>
              {c.default && <Badge tone="info">default</Badge>}
            </div>
            <dl className="facts">
              <dt>Provider</dt>
              <dd>
                {c.provider} {c.kind}
              </dd>
              <dt>Sender</dt>
              <dd>
                <bdi>{c.sender}</bdi>
              </dd>
              <dt>Rate</dt>
              <dd>
                {c.send_rate?.effective} of {c.send_rate?.configured} a second
                {c.send_rate?.blocked_until && (
                  <>
                    , blocked until <Time at={c.send_rate.blocked_until} />
                  </>
                )}
              </dd>
              {c.health?.reason && (
                <>
                  <dt>Reason</dt>
                  <dd>
                    <bdi>{c.health.reason}</bdi> {c.health.probe_at && <Time at={c.health.probe_at} relative />}
                  </dd>
                </>
              )}
              <dt>Callback address</dt>
              <dd>
                <code>{c.callback_url}</code> <Copy text={c.callback_url ?? ""} />
                <div className="soft">Enter it as the webhook address in the provider's console.</div>
              </dd>
            </dl>
            <div className="row">
              {manage &&
                (c.health?.state === "closed" || !c.health?.state ? (
                  <Act
                    confirm={`Pause ${c.name}? Messages are still accepted, and wait.`}
                    run={async () => {
                      await postChannelsIdPause({ client, path: { id: c.id! }, body: {} });
                      again();
                    }}
                  >
                    Pause <span className="sr">{c.name}</span>
                  </Act>
                ) : (
                  <Act
                    run={async () => {
                      await postChannelsIdResume({ client, path: { id: c.id! } });
                      again();
                    }}
                  >
                    Resume <span className="sr">{c.name}</span>
                  </Act>
                ))}
              {manage && (
                <Act
                  run={async () => {
                    await patchChannelsId({ client, path: { id: c.id! }, body: { enabled: !c.enabled } as never });
                    again();
                  }}
                >
                  {c.enabled ? "Disable" : "Enable"} <span className="sr">{c.name}</span>
                </Act>
              )}
              <Link className="btn small" to="/playground">
                Send a test message
              </Link>
            </div>
          </Panel>
        ))}
      </div>
    </Page>
  );
}
