import {
  type Channel,
  deleteChannelsId,
  getChannels,
  getProviders,
  patchChannelsId,
  postChannelsIdPause,
  postChannelsIdResume,
  type Vendor,
} from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { Fragment, useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Act, ask, Badge, Copy, Empty, ErrorBox, Foreign, Loading, Page, Panel, Time } from "../ui";
import { number, words } from "../words";
import { CreateChannel, EditChannel } from "./channel-form";

const again = () => queries.invalidateQueries({ queryKey: ["channels"] });

export function Channels() {
  const [{ cursor }] = useUrl();
  const list = useGet(["channels", "page", cursor], () => getChannels({ client, query: { limit: 20, cursor } }), { every: 5000 });
  const providers = useGet(["providers"], () => getProviders({ client }));
  const manage = useCan("manage");
  const [creating, setCreating] = useState(false);
  const rows = list.data?.data ?? [];
  return (
    <Page
      title="Channels"
      actions={
        manage && (
          <button type="button" className="btn primary" onClick={() => setCreating(true)}>
            Create channel
          </button>
        )
      }
    >
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && !cursor && (
        <Empty title="No channel yet">
          A channel is a number at a provider, from which messages go out.{" "}
          {manage && (
            <button type="button" className="btn" onClick={() => setCreating(true)}>
              Create the first one
            </button>
          )}
        </Empty>
      )}
      <div className="grid2 top-aligned">
        {rows.map((c) => (
          <Card key={c.id} c={c} vendor={providers.data?.data?.find((p) => p.name === c.provider)} manage={manage} />
        ))}
      </div>
      <Pager next={list.data?.next_cursor} rows={rows.length} />
      {creating && <CreateChannel close={() => setCreating(false)} />}
    </Page>
  );
}

const pricesOf = (c: Channel) =>
  Object.entries(c.policy?.price ?? {})
    .map(([category, price]) => `${category} ${price}`)
    .join(", ");

function Card({ c, vendor, manage }: { c: Channel; vendor?: Vendor; manage: boolean }) {
  const state = c.health?.state ?? "closed";
  return (
    <Panel title={c.name}>
      <div className="stack">
        <div className="row">
          <Badge>{c.enabled ? "enabled" : "disabled"}</Badge>
          <Badge tone={state === "closed" ? "good" : state === "paused" ? "warn" : "bad"}>
            {state === "paused" ? "paused" : `circuit ${state}`}
          </Badge>
          {c.default && <Badge tone="info">default</Badge>}
        </div>
        <dl className="facts">
          <dt>Provider</dt>
          <dd>
            {vendor?.title ?? c.provider}, {c.kind === "sms" ? "SMS" : "WhatsApp"}
          </dd>
          <dt>Sender</dt>
          <dd>
            <bdi>{c.sender}</bdi>
          </dd>
          <dt>Key</dt>
          <dd>
            <code>{c.key}</code>
          </dd>
          <dt>Rate</dt>
          <dd>
            {number(c.send_rate?.effective)} of {number(c.send_rate?.configured)} a second
            {c.send_rate?.blocked_until && (
              <>
                , blocked until <Time at={c.send_rate.blocked_until} />
              </>
            )}
          </dd>
          <dt>Prices</dt>
          <dd>{pricesOf(c) || <span className="soft">none</span>}</dd>
          {c.health?.reason && (
            <>
              <dt>Reason</dt>
              <dd>
                <Foreign>{c.health.reason}</Foreign> {c.health.probe_at && <Time at={c.health.probe_at} relative />}
              </dd>
            </>
          )}
          {c.health?.reports?.map((r) => (
            <Fragment key={r.subject}>
              <dt>Provider: {words(r.subject)}</dt>
              <dd>
                <Badge tone={r.level === "ok" ? "good" : r.level === "warning" ? "warn" : "bad"}>{r.value}</Badge>{" "}
                {r.detail && <Foreign>{r.detail}</Foreign>} <Time at={r.at} relative />
              </dd>
            </Fragment>
          ))}
        </dl>
        <SetUp c={c} vendor={vendor} />
        <div className="row">
          {manage && <Switches c={c} vendor={vendor} />}
          <Link className="btn small" to="/playground" search={{ channel: String(c.id) }}>
            Send a test message <span className="sr">through {c.name}</span>
          </Link>
        </div>
      </div>
    </Panel>
  );
}

/** The callback address, with the steps to enter it at the provider. */
function SetUp({ c, vendor }: { c: Channel; vendor?: Vendor }) {
  const steps = (vendor?.set_up ?? "")
    .replaceAll("{callback_url}", c.callback_url ?? "")
    .replaceAll("{verify_token}", c.verify_token ?? "…");
  return (
    <details>
      <summary>
        Callback address <span className="sr">of {c.name}</span>
      </summary>
      <div className="stack tight">
        <div>
          <code>{c.callback_url}</code> <Copy text={c.callback_url ?? ""} label="Copy address" />
        </div>
        {steps && <p className="steps">{steps}</p>}
      </div>
    </details>
  );
}

function Switches({ c, vendor }: { c: Channel; vendor?: Vendor }) {
  const [editing, setEditing] = useState(false);
  const path = { id: c.id! };
  return (
    <>
      {!c.health?.state || c.health.state === "closed" ? (
        <Act
          confirm={ask("Pause", c.name, "? Messages are still accepted, and wait.")}
          run={() => postChannelsIdPause({ client, path, body: {} }).then(again)}
        >
          Pause <span className="sr">{c.name}</span>
        </Act>
      ) : (
        <Act run={() => postChannelsIdResume({ client, path }).then(again)}>
          Resume <span className="sr">{c.name}</span>
        </Act>
      )}
      <Act run={() => patchChannelsId({ client, path, body: { enabled: !c.enabled } }).then(again)}>
        {c.enabled ? "Disable" : "Enable"} <span className="sr">{c.name}</span>
      </Act>
      <button type="button" className="btn small" onClick={() => setEditing(true)}>
        Edit <span className="sr">{c.name}</span>
      </button>
      <Act
        className="btn small danger"
        confirm={ask("Delete", c.name, "? This is refused while messages of it are unfinished.")}
        run={() => deleteChannelsId({ client, path }).then(again)}
      >
        Delete <span className="sr">{c.name}</span>
      </Act>
      {editing && <EditChannel channel={c} vendor={vendor} close={() => setEditing(false)} />}
    </>
  );
}
