import { getChannels, getLists, getTemplates } from "@sendoff/client";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { call, client, useGet } from "../api";
import { mine } from "../clock";
import { Importer } from "../importer";
import { Field, Form, Page, Panel } from "../ui";
import type { CampaignView } from "./campaigns";

/** The wizard: audience, message, time and limits on one page, in any order. */
export function NewCampaign() {
  const navigate = useNavigate();
  const channels = useGet(["channels"], () => getChannels({ client }));
  const templates = useGet(["templates", "all"], () => getTemplates({ client, query: { limit: 100 } as never }));
  const lists = useGet(["lists"], () => getLists({ client }));
  const [template, setTemplate] = useState(0);
  const [imported, setImported] = useState<number>();
  const [values, setValues] = useState<Record<string, string>>({});
  const all = templates.data?.data ?? [];
  const t = all.find((x) => x.id === template) ?? all.find((x) => x.name === "order_confirmation") ?? all[0];
  return (
    <Page title="New campaign">
      <Panel title="Audience from a file">
        {imported ? (
          <p className="note good">The file was read: its rows are the audience.</p>
        ) : (
          <Importer query={{ kind: "audience" }} done={(v) => setImported(v.id)} />
        )}
      </Panel>
      <Form
        label="Save draft"
        submit={async (v) => {
          const list = v.list ? [Number(v.list)] : undefined;
          const made = await call<CampaignView>("POST", "/v1/campaigns", {
            name: v.name,
            channel: Number(v.channel),
            type: "template",
            template: {
              name: t?.name,
              language: t?.language,
              variables: Object.fromEntries((t?.variables ?? []).map((x) => [x, v[`var-${x}`] ?? ""])),
            },
            audience: { ...(list ? { lists: list } : {}), ...(imported ? { import: imported } : {}) },
            ...(v.start
              ? { start_at: v.start.length === 16 ? `${v.start}:00` : v.start, time_zone: v.zone || mine, local_start: v.local === "on" }
              : {}),
            ...(v.rate ? { rate: Number(v.rate) } : {}),
            ...(v.from && v.to ? { quiet_hours: { from: v.from, to: v.to, zone: "recipient" } } : {}),
            ...(v.late ? { late: v.late } : {}),
          });
          navigate({ to: "/campaigns/$id", params: { id: String(made.id) } });
        }}
      >
        <Panel title="Audience">
          <Field label="Name">
            <input name="name" required maxLength={200} />
          </Field>
          <Field label="List">
            <select name="list" defaultValue="">
              <option value="">None</option>
              {(lists.data?.data ?? []).map((l) => (
                <option key={l.id} value={l.id}>
                  {l.name}
                </option>
              ))}
            </select>
          </Field>
        </Panel>
        <Panel title="Message">
          <div className="stack">
            <Field label="Channel">
              <select name="channel">
                {(channels.data?.data ?? []).map((c) => (
                  <option key={c.id} value={c.id}>
                    {c.name}
                  </option>
                ))}
              </select>
            </Field>
            <Field label="Template">
              <select value={t?.id ?? 0} onChange={(e) => setTemplate(Number(e.target.value))}>
                {all.map((x) => (
                  <option key={x.id} value={x.id}>
                    {x.name} ({x.language})
                  </option>
                ))}
              </select>
            </Field>
            {(t?.variables ?? []).map((x) => (
              <Field
                key={x}
                label={`Value of ${x}`}
                hint="{{field}} takes the recipient's field, {{field|text}} the text where it is empty."
              >
                <input name={`var-${x}`} value={values[x] ?? `{{${x}}}`} onChange={(e) => setValues({ ...values, [x]: e.target.value })} />
              </Field>
            ))}
          </div>
        </Panel>
        <Panel title="When">
          <div className="stack">
            <Field label="Start" hint="Empty: as soon as it is launched.">
              <input name="start" type="datetime-local" />
            </Field>
            <Field label="Time zone of the start">
              <input name="zone" defaultValue={mine} />
            </Field>
            <label className="check">
              <input type="checkbox" name="local" /> At this hour of each recipient
            </label>
            <div className="row">
              <Field label="Quiet from">
                <input name="from" type="time" />
              </Field>
              <Field label="Quiet to">
                <input name="to" type="time" />
              </Field>
              <Field label="When it is late">
                <select name="late" defaultValue="hold">
                  <option value="hold">Hold to the next window</option>
                  <option value="skip">Skip</option>
                </select>
              </Field>
            </div>
          </div>
        </Panel>
        <Panel title="Limits">
          <Field label="Messages a second" hint="Empty: as fast as the channel.">
            <input name="rate" type="number" min={1} />
          </Field>
        </Panel>
      </Form>
    </Page>
  );
}
