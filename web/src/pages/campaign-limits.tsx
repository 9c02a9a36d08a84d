import type { Campaign, CampaignDefinition } from "@sendoff/client";
import { mine } from "../clock";
import { Field, Panel } from "../ui";

/** Every zone that the browser knows. */
const zones = Intl.supportedValuesOf("timeZone");

export function Zones({ id = "zones", more = [] }: { id?: string; more?: string[] }) {
  return (
    <datalist id={id}>
      {more.map((z) => (
        <option key={z} value={z} />
      ))}
      <option value="UTC" />
      {zones.map((z) => (
        <option key={z} value={z} />
      ))}
    </datalist>
  );
}

/** When a campaign starts, repeats and rests. */
export function When({ draft: d }: { draft?: Campaign }) {
  const quiet = d?.quiet_hours;
  return (
    <Panel title="When">
      <div className="stack">
        <div className="fields2">
          <Field label="Start" hint="Empty: as soon as it is launched.">
            <input name="start" type="datetime-local" defaultValue={d?.start_at} />
          </Field>
          <Field label="Time zone of the start">
            <input name="zone" list="zones" defaultValue={d?.time_zone || mine} />
          </Field>
          <Field label="Quiet from">
            <input name="from" type="time" defaultValue={quiet?.from} />
          </Field>
          <Field label="Quiet to" hint="Nobody gets a message in these hours of their own day.">
            <input name="to" type="time" defaultValue={quiet?.to} />
          </Field>
          <Field label="Zone of the quiet hours" hint="recipient, account, or a zone such as Europe/Berlin.">
            <input name="quiet_zone" list="quiet-zones" defaultValue={quiet?.zone ?? "recipient"} />
          </Field>
          <Field label="When it is late">
            <select name="late" defaultValue={d?.late ?? "hold"}>
              <option value="hold">Hold to the next window</option>
              <option value="skip">Skip</option>
            </select>
          </Field>
        </div>
        <label className="check">
          <input type="checkbox" name="local" defaultChecked={d?.local_start} /> At this hour of each recipient
        </label>
        <Field label="Repeat" hint="Such as FREQ=WEEKLY;BYDAY=MO. Empty: once.">
          <input name="rrule" defaultValue={d?.recurrence?.rrule} placeholder="FREQ=WEEKLY;BYDAY=MO" />
        </Field>
        <Zones />
        <Zones id="quiet-zones" more={["recipient", "account"]} />
      </div>
    </Panel>
  );
}

/** How fast a campaign goes, and what stops it. */
export function Limits({ draft: d }: { draft?: Campaign }) {
  return (
    <Panel title="Limits">
      <div className="fields2">
        <Field label="Messages a second" hint="Empty: as fast as the channel.">
          <input name="rate" type="number" min={0.01} step="any" defaultValue={d?.rate} />
        </Field>
        <Field label="Pause at errors, in percent" hint="Empty: it goes on whatever fails.">
          <input
            name="errors"
            type="number"
            min={1}
            max={100}
            defaultValue={d?.pause_at_error_rate ? d.pause_at_error_rate * 100 : undefined}
          />
        </Field>
        <Field label="First send to" hint="So many people; the rest waits. Empty: to all.">
          <input name="canary" type="number" min={1} defaultValue={d?.canary?.first} />
        </Field>
        <Field label="Then wait, in minutes">
          <input name="canary_wait" type="number" min={1} defaultValue={d?.canary?.wait_seconds ? d.canary.wait_seconds / 60 : 30} />
        </Field>
        <Field label="Most to one person" hint="Marketing messages within these days. Empty: no limit.">
          <input name="cap" type="number" min={1} defaultValue={d?.cap?.messages} />
        </Field>
        <Field label="Within days">
          <input name="cap_days" type="number" min={1} max={90} defaultValue={d?.cap?.days ?? 7} />
        </Field>
        <Field label="Valid for, in hours" hint="What is not sent by then expires. Empty: a day.">
          <input name="ttl" type="number" min={1} defaultValue={d?.ttl_seconds ? d.ttl_seconds / 3600 : undefined} />
        </Field>
      </div>
    </Panel>
  );
}

/** The fields of When and Limits as the API takes them; what was emptied in the form of a draft is null, which removes it. */
export function timing(v: Record<string, string>, draft?: Campaign): Partial<CampaignDefinition> {
  const given = givenBy(v, draft);
  if (!draft) return given;
  const none = Object.fromEntries(optional.filter((name) => !(name in given)).map((name) => [name, null]));
  return { ...given, ...none };
}

const optional = ["start_at", "quiet_hours", "recurrence", "rate", "pause_at_error_rate", "canary", "cap", "ttl_seconds"];

/** Stops the form where the half of something was filled in, which would be left out without a word. */
function whole(v: Record<string, string>) {
  const detail =
    !v.from !== !v.to
      ? "Quiet hours need both a beginning and an end. Fill in “Quiet from” and “Quiet to”, or empty both."
      : v.local && !v.start
        ? "“At this hour of each recipient” needs the hour: fill in “Start”."
        : v.rrule && !v.start
          ? "A campaign that repeats needs its first time: fill in “Start”."
          : undefined;
  if (detail) throw { title: "Incomplete", status: 0, code: "incomplete", detail };
}

function givenBy(v: Record<string, string>, d?: Campaign): Partial<CampaignDefinition> {
  whole(v);
  return {
    ...(v.start
      ? { start_at: v.start.length === 16 ? `${v.start}:00` : v.start, time_zone: v.zone || mine, local_start: v.local === "on" }
      : {}),
    ...(v.from && v.to ? { quiet_hours: { ...d?.quiet_hours, from: v.from, to: v.to, zone: v.quiet_zone || "recipient" } } : {}),
    ...(v.late ? { late: v.late } : {}),
    ...(v.rrule ? { recurrence: { ...d?.recurrence, rrule: v.rrule } } : {}),
    ...(v.rate ? { rate: Number(v.rate) } : {}),
    ...(v.errors ? { pause_at_error_rate: Number(v.errors) / 100 } : {}),
    ...(v.canary ? { canary: { first: Number(v.canary), wait_seconds: Number(v.canary_wait || 30) * 60 } } : {}),
    ...(v.cap ? { cap: { messages: Number(v.cap), days: Number(v.cap_days || 7) } } : {}),
    ...(v.ttl ? { ttl_seconds: Number(v.ttl) * 3600 } : {}),
  };
}
