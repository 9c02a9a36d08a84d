import { type Delivery, getWebhooksIdDeliveries, postWebhooksIdDeliveriesDeliveryReplay } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { client, queries, readOn, useGet } from "../api";
import { Choice, Pager } from "../list";
import { useUrl } from "../search";
import { Act, Badge, Empty, ErrorBox, Json, Loading, Panel, Time } from "../ui";

const states = ["pending", "delivered", "failed"] as const;

/** What was posted to an endpoint, the newest first: a part of the webhooks page. */
export function Deliveries({ id, url, manage }: { id: number; url: string; manage: boolean }) {
  const [{ state, cursor }] = useUrl();
  const query = { state: states.find((s) => s === state), cursor };
  const list = useGet(
    ["deliveries", id, query],
    () => readOn(cursor, (cursor) => getWebhooksIdDeliveries({ client, path: { id }, query: { ...query, cursor } })),
    { every: 5000 },
  );
  const rows = list.data?.data ?? [];
  return (
    <Panel title={`Deliveries to ${url}`}>
      <div className="stack">
        <div className="row">
          <Choice name="state" label="State" options={[...states]} />
        </div>
        <ErrorBox error={list.error} retry={list.refetch} />
        {list.isPending && <Loading />}
        {list.data && !list.data.next_cursor && rows.length === 0 && (
          <Empty title={state || cursor ? "No delivery matches" : "Nothing was delivered yet"}>
            {state || cursor ? (
              <Link to="/webhooks" search={{ webhook: String(id) }}>
                Show all deliveries
              </Link>
            ) : (
              "Send a test event: its request and the answer appear here."
            )}
          </Empty>
        )}
        <div className="entries">
          {rows.map((d) => (
            <Entry key={d.id} id={id} delivery={d} manage={manage} />
          ))}
        </div>
        <Pager next={list.data?.next_cursor} rows={rows.length} />
      </div>
    </Panel>
  );
}

function Entry({ id, delivery: d, manage }: { id: number; delivery: Delivery; manage: boolean }) {
  return (
    <details>
      <summary>
        <Badge tone={d.state === "delivered" ? "good" : d.state === "failed" ? "bad" : "info"}>{d.state}</Badge> {d.event}{" "}
        <Time at={d.created_at} />{" "}
        <span className="soft">
          {d.attempts === 1 ? "1 attempt" : `${d.attempts} attempts`}
          {d.state === "pending" && d.next_attempt_at && (
            <>
              , the next <Time at={d.next_attempt_at} relative />
            </>
          )}
        </span>
      </summary>
      <div className="stack tight">
        <Json value={d.request} label="Request" />
        <Json value={d.response ?? "no answer"} label="Answer" />
        <div className="row">
          {manage && (
            <Act
              run={async () => {
                await postWebhooksIdDeliveriesDeliveryReplay({ client, path: { id, delivery: d.id } });
                queries.invalidateQueries({ queryKey: ["deliveries", id] });
              }}
            >
              Send again
            </Act>
          )}
          {d.message_id && (
            <Link className="btn small" to="/messages/$id" params={{ id: d.message_id }}>
              Show the message
            </Link>
          )}
        </div>
      </div>
    </details>
  );
}
