import { getMessages, patchMessagesId, postMessagesIdCancel } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { useUrl } from "../search";
import { Act, Dialog, Empty, ErrorBox, Field, Foreign, Form, Loading, Page, Table, Time } from "../ui";
import { Pager } from "./messages";

const again = () => queries.invalidateQueries({ queryKey: ["scheduled"] });

export function Scheduled() {
  const [url, setUrl] = useUrl();
  const list = useGet(["scheduled", url.cursor], () =>
    getMessages({ client, query: { status: "scheduled", order: "due", cursor: url.cursor, limit: 50 } as never }),
  );
  const can = useCan("send_text");
  const [chosen, setChosen] = useState<string[]>([]);
  const [changing, setChanging] = useState<{ message_id?: string; send_at?: string }>();
  const rows = list.data?.data ?? [];
  const days = [...new Set(rows.map((m) => (m.send_at ?? "").slice(0, 10)))];
  return (
    <Page
      title="Scheduled"
      actions={
        can &&
        chosen.length > 0 && (
          <Act
            className="btn danger"
            confirm={`Cancel ${chosen.length} messages?`}
            run={async () => {
              for (const id of chosen) await postMessagesIdCancel({ client, path: { id } });
              setChosen([]);
              again();
            }}
          >
            Cancel {chosen.length}
          </Act>
        )
      }
    >
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && (
        <Empty title="Nothing is scheduled">
          Give a message <code>send_at</code>, and it waits here until its time.
        </Empty>
      )}
      {days.map((day) => (
        <section key={day} aria-label={day}>
          <h2>{day}</h2>
          <Table
            label={`Scheduled for ${day}`}
            rows={rows.filter((m) => (m.send_at ?? "").startsWith(day))}
            id={(m) => m.message_id ?? ""}
            columns={[
              {
                name: "Choose",
                cell: (m) => (
                  <input
                    type="checkbox"
                    aria-label={`Choose the message to ${m.to}`}
                    checked={chosen.includes(m.message_id ?? "")}
                    onChange={(e) =>
                      setChosen(e.target.checked ? [...chosen, m.message_id ?? ""] : chosen.filter((x) => x !== m.message_id))
                    }
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
                    <button type="button" className="btn small" onClick={() => setChanging(m)}>
                      Change time <span className="sr">of the message to {m.to}</span>
                    </button>
                  ),
              },
            ]}
          />
        </section>
      ))}
      <Pager cursor={url.cursor} next={list.data?.next_cursor} go={(cursor) => setUrl({ cursor })} />
      {changing && (
        <Dialog title="Change the time" onClose={() => setChanging(undefined)}>
          <Form
            label="Save"
            submit={async (v) => {
              await patchMessagesId({
                client,
                path: { id: changing.message_id! },
                body: { send_at: new Date(v.at).toISOString() } as never,
              });
              setChanging(undefined);
              again();
            }}
          >
            <Field label="Send at" hint={`In your zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}.`}>
              <input name="at" type="datetime-local" step={1} required />
            </Field>
          </Form>
        </Dialog>
      )}
    </Page>
  );
}
