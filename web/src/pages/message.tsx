import { getMessagesId, getTemplatesId, postMessagesIdCancel, postMessagesIdShare, type View } from "@sendoff/client";
import { Link, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { Advice } from "../advice";
import { client, queries, useCan, useGet } from "../api";
import { Bubble } from "../bubble";
import { type FilledPart, showContent, showTemplate } from "../content";
import { everyOf, unfinished } from "../settled";
import { Act, Badge, Copy, ErrorBox, Foreign, Json, Loading, Page, Panel, Pending, Time } from "../ui";
import { FromShell } from "./message-shell";
import { Timeline } from "./message-timeline";
import { WhyNotYet } from "./message-why";

/** A message as the API returns it; these fields always are there. */
export type MessageView = View & { message_id: string; status: string; type: string; channel_id: number };

/** The body of a request that sends the message again. */
export function again(m: MessageView): string {
  const { type: _, ...content } = (m.content ?? {}) as Record<string, unknown>;
  const template = content.template as Record<string, unknown> | undefined;
  if (template) content.template = { name: template.name, language: template.language, components: template.components };
  return JSON.stringify({ channel: String(m.channel_id), to: m.to ?? m.user_id, type: m.type, ...content });
}

export function Message() {
  const { id } = useParams({ strict: false }) as { id: string };
  const message = useGet(["message", id], () => getMessagesId({ client, path: { id } }), { every: everyOf });
  const canSend = useCan("send_text");
  const m = message.data as MessageView | undefined;
  if (!m) {
    const next = (
      <Link className="btn small" to="/messages">
        Show all messages
      </Link>
    );
    return <Pending title="Message" query={message} next={next} />;
  }
  const open = unfinished.includes(m.status);
  return (
    <Page
      title="Message"
      actions={
        <>
          {open && canSend && (
            <Act
              className="btn danger"
              confirm="Cancel this message?"
              run={async () => {
                await postMessagesIdCancel({ client, path: { id } });
                queries.invalidateQueries({ queryKey: ["message", id] });
              }}
            >
              Cancel message
            </Act>
          )}
          {canSend && (
            <Link className="btn" to="/playground" search={{ body: again(m) }}>
              Send again
            </Link>
          )}
          <Share id={id} />
        </>
      }
    >
      <ErrorBox error={message.error} retry={message.refetch} />
      <div className="grid2 top-aligned">
        <div className="stack">
          <Status m={m} />
          {open && <WhyNotYet message={m} />}
          <Panel title="What the recipient sees">
            <Seen m={m} />
          </Panel>
          <Panel title="Content">
            <Json value={m.content} label="Content as JSON" />
          </Panel>
        </div>
        <div className="stack">
          <Timeline message={m} />
          <FromShell m={m} />
        </div>
      </div>
    </Page>
  );
}

const times = ["created_at", "send_at", "sent_at", "delivered_at", "read_at", "failed_at", "expires_at"] as const;
const title = (name: string) => name.replace("_at", "").replace(/^\w/, (c) => c.toUpperCase());

function Status({ m }: { m: MessageView }) {
  return (
    <Panel title="Status">
      <div className="stack">
        <div className="row">
          <Badge>{m.status}</Badge>
          {m.maybe_sent && <Badge tone="warn">maybe sent</Badge>}
          {m.test === true && <Badge>test</Badge>}
          {m.anomaly === true && <Badge tone="warn">anomaly</Badge>}
        </div>
        {m.error && (
          <div className="note bad">
            <code>{m.error.code}</code> {m.error.provider_code} <Foreign>{m.error.message}</Foreign>
            <Advice code={m.error.code} to={m.to} template={(m.content as { template?: { name?: string } })?.template?.name} />
          </div>
        )}
        <dl className="facts">
          <dt>Id</dt>
          <dd>
            <code>{m.message_id}</code> <Copy text={m.message_id} />
          </dd>
          <dt>To</dt>
          <dd>
            <Foreign>{m.to ?? m.user_id}</Foreign>
          </dd>
          {m.reference && (
            <>
              <dt>Reference</dt>
              <dd>
                <Foreign>{m.reference}</Foreign>
              </dd>
            </>
          )}
          {m.campaign_id && (
            <>
              <dt>Campaign</dt>
              <dd>
                <Link to="/campaigns/$id" params={{ id: String(m.campaign_id) }}>
                  {m.campaign_id}
                </Link>
              </dd>
            </>
          )}
          <dt>Provider's id</dt>
          <dd>
            <code>{m.provider_message_id ?? "–"}</code>
          </dd>
          <dt>Lane</dt>
          <dd>{m.lane}</dd>
          {times
            .filter((name) => m[name])
            .map((name) => (
              <div key={name} className="contents">
                <dt>{title(name)}</dt>
                <dd>
                  <Time at={m[name]} />
                </dd>
              </div>
            ))}
        </dl>
      </div>
    </Panel>
  );
}

/** The message on the recipient's phone; a template's text is looked up. */
function Seen({ m }: { m: MessageView }) {
  const part = ((m.content ?? {}) as { template?: { template_id?: number; name?: string; components?: FilledPart[] } }).template;
  const id = m.type === "template" ? part?.template_id : undefined;
  const template = useGet(["template", id], () => getTemplatesId({ client, path: { id: id! } }), { enabled: !!id });
  if (id && template.isPending) return <Loading />;
  if (template.data) return <Bubble shown={showTemplate(template.data.components ?? [], part?.components ?? [])} />;
  return (
    <div className="stack">
      {m.type === "template" && (
        <p className="soft">
          The template <bdi>{part?.name}</bdi> is gone; these are its values.
        </p>
      )}
      <Bubble shown={showContent(m.type, m.content)} />
    </div>
  );
}

function Share({ id }: { id: string }) {
  const [url, setUrl] = useState("");
  return (
    <>
      <Act
        className="btn"
        run={async () => {
          const { data } = await postMessagesIdShare({ client, path: { id }, body: { hours: 72 } });
          setUrl(data.url ?? "");
        }}
      >
        Share link
      </Act>
      {url && (
        <span className="row">
          <label>
            <span className="sr">Link, valid for 72 hours</span>
            <input readOnly value={url} size={30} />
          </label>
          <Copy text={url} />
        </span>
      )}
    </>
  );
}
