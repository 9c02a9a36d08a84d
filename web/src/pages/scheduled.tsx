import { getMessages, patchMessagesId, postMessagesCancel, postMessagesIdCancel, type View } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { format, formatter, localInput, mine, useZone } from "../clock";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Act, ask, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Table, Time } from "../ui";
import { number } from "../words";

const again = () => queries.invalidateQueries({ queryKey: ["scheduled"] });

const date = formatter("en-CA", { dateStyle: "short" });
const weekday = formatter("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/** The day of a time in the chosen zone, as YYYY-MM-DD. */
const dayOf = (at: string | undefined, zone: "utc" | "mine") => (at ? date(new Date(at), zone) : "");

const named = (day: string) => weekday(new Date(day), "utc");

export function Scheduled() {
  const [url] = useUrl();
  const zone = useZone();
  const list = useGet(
    ["scheduled", url.cursor],
    () => getMessages({ client, query: { status: "scheduled", order: "due", cursor: url.cursor, limit: 50 } }),
    { every: 10_000 },
  );
  const can = useCan("send_text");
  const [marked, setChosen] = useState<string[]>([]);
  const [changing, setChanging] = useState<View>();
  const [done, setDone] = useState("");
  const rows = list.data?.data ?? [];
  const ids = rows.map((m) => m.message_id ?? "");
  const chosen = marked.filter((id) => ids.includes(id)); // what is on this page, and has not gone out since
  const days = [...new Set(rows.map((m) => dayOf(m.send_at, zone)))];
  const toggle = (id: string, on: boolean) => setChosen(on ? [...chosen, id] : chosen.filter((x) => x !== id));
  return (
    <Page
      title="Scheduled"
      actions={
        can &&
        rows.length > 0 && (
          <>
            <button type="button" className="btn" onClick={() => setChosen(chosen.length === ids.length ? [] : ids)}>
              {chosen.length === ids.length ? "Choose none" : `Choose all ${number(ids.length)} shown`}
            </button>
            {chosen.length > 0 && (
              <Act
                className="btn danger"
                confirm={chosen.length === 1 ? "Cancel 1 message?" : `Cancel ${chosen.length} messages?`}
                run={async () => {
                  const { data } = await postMessagesCancel({ client, body: { ids: chosen } });
                  const rest = chosen.length - (data.cancelled ?? 0);
                  setDone(`${data.cancelled} of ${chosen.length} were cancelled${rest ? "; the others had gone out" : ""}.`);
                  setChosen([]);
                  again();
                }}
              >
                Cancel {chosen.length}
              </Act>
            )}
          </>
        )
      }
    >
      <ErrorBox error={list.error} retry={list.refetch} />
      {done && (
        <p className="note good" role="status">
          {done}
        </p>
      )}
      {list.isPending && <Loading />}
      {list.data && !list.data.next_cursor && rows.length === 0 && (
        <Empty title="Nothing is scheduled">
          Give a message <code>send_at</code>, for example in the <Link to="/playground">playground</Link>, and it waits here until its
          time.
        </Empty>
      )}
      {days.map((day) => (
        <section key={day} aria-label={named(day)} className="stack tight">
          <h2>{named(day)}</h2>
          <Table
            label={`Scheduled for ${named(day)}`}
            rows={rows.filter((m) => dayOf(m.send_at, zone) === day)}
            id={(m) => m.message_id ?? ""}
            columns={[
              {
                name: "Choose",
                cell: (m) => (
                  <input
                    type="checkbox"
                    aria-label={`Choose the message to ${m.to} at ${format(m.send_at ?? "", zone)}`}
                    checked={chosen.includes(m.message_id ?? "")}
                    onChange={(e) => toggle(m.message_id ?? "", e.target.checked)}
                  />
                ),
              },
              { name: "Due", cell: (m) => <Time at={m.send_at} relative /> },
              {
                name: "To",
                cell: (m) => (
                  <Link to="/messages/$id" params={{ id: m.message_id ?? "" }}>
                    <Foreign>{m.to}</Foreign>
                  </Link>
                ),
              },
              { name: "Type", cell: (m) => m.type },
              { name: "Reference", cell: (m) => <Foreign>{m.reference}</Foreign> },
              {
                name: "",
                cell: (m) =>
                  can && (
                    <div className="row">
                      <button type="button" className="btn small" onClick={() => setChanging(m)}>
                        Change <span className="sr">the message to {m.to}</span>
                      </button>
                      <Act
                        className="btn small danger"
                        confirm={ask("Cancel the message to", m.to ?? m.user_id)}
                        run={async () => {
                          await postMessagesIdCancel({ client, path: { id: m.message_id ?? "" } });
                          toggle(m.message_id ?? "", false);
                          again();
                        }}
                      >
                        Cancel <span className="sr">the message to {m.to}</span>
                      </Act>
                    </div>
                  ),
              },
            ]}
          />
        </section>
      ))}
      <Pager next={list.data?.next_cursor} rows={rows.length} />
      {changing && <Change message={changing} close={() => setChanging(undefined)} />}
    </Page>
  );
}

/** Changes the time, the recipient or the content of a message that waits for its time. */
function Change({ message: m, close }: { message: View; close: () => void }) {
  const { type: _, ...content } = (m.content ?? {}) as Record<string, unknown>;
  const before = JSON.stringify(content, null, 2);
  const at = m.send_at ? localInput(m.send_at, true) : "";
  return (
    <Dialog title={ask("Change the message to", m.to ?? m.user_id, "")} onClose={close}>
      <Form
        label="Save"
        submit={async (v) => {
          let changed: Record<string, unknown> = {};
          if (v.content !== before) {
            try {
              changed = JSON.parse(v.content);
            } catch (e) {
              throw { title: "Not JSON", status: 0, code: "malformed", detail: `The content is not JSON: ${(e as Error).message}` };
            }
          }
          const send_at = v.at === at ? {} : { send_at: new Date(v.at).toISOString() };
          await patchMessagesId({ client, path: { id: m.message_id ?? "" }, body: { ...send_at, ...changed } });
          close();
          again();
        }}
      >
        <Field label="Send at" hint={`In your zone, ${mine}.`}>
          <input name="at" type="datetime-local" step={1} required defaultValue={at} />
        </Field>
        <Field label="Content">
          <textarea name="content" rows={10} spellCheck={false} defaultValue={before} />
        </Field>
      </Form>
    </Dialog>
  );
}
