import {
  type Channel,
  type ChannelCreate,
  getProviders,
  patchChannelsId,
  postChannels,
  type Vendor,
  type VendorField,
} from "@sendoff/client";
import { useState } from "react";
import { client, queries, useGet } from "../api";
import { ask, Dialog, ErrorBox, Field, Form, Loading } from "../ui";
import { upper, words } from "../words";

const again = () => queries.invalidateQueries({ queryKey: ["channels"] });

const categories = ["default", "authentication", "utility", "marketing"];

/** The values of a form whose names begin with a prefix; those left empty are left out. */
function under(prefix: string, v: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(v)
      .filter(([name, value]) => name.startsWith(prefix) && value !== "")
      .map(([name, value]) => [name.slice(prefix.length), value]),
  );
}

/** Puts texts behind each other, each with its full stop. */
const sentences = (...all: string[]) =>
  all
    .filter(Boolean)
    .map((s) => s.replace(/[^.]$/, "$&."))
    .join(" ");

/** A field's name as words; an abbreviation keeps its capitals. */
const labelOf = (name: string) => upper(words(name)).replace(/\b(waba|sid|api|url)\b/gi, (w) => w.toUpperCase());

function Fields({ fields, prefix, secret, before }: { fields: VendorField[]; prefix: string; secret?: boolean; before?: Channel }) {
  return fields.map((f) => (
    <Field key={f.name} label={labelOf(f.name)} hint={sentences(upper(f.help), f.generated ? "Generated if left empty." : "")}>
      {f.values?.length ? (
        <select name={prefix + f.name} defaultValue={before?.settings?.[f.name] ?? f.default}>
          {f.values.map((value) => (
            <option key={value}>{value}</option>
          ))}
        </select>
      ) : (
        <input
          name={prefix + f.name}
          type={secret ? "password" : "text"}
          autoComplete="off"
          required={f.required && !f.generated && !before}
          placeholder={secret && before ? "unchanged" : undefined}
          defaultValue={secret ? undefined : (before?.settings?.[f.name] ?? f.default)}
        />
      )}
    </Field>
  ));
}

function Policy({ before }: { before?: Channel }) {
  const p = before?.policy;
  return (
    <>
      <div className="fields2">
        <Field label="Messages a second">
          <input name="rate" type="number" min={0.01} step="any" defaultValue={p?.rate} />
        </Field>
        <Field label="Calls at a time">
          <input name="concurrency" type="number" min={1} defaultValue={p?.concurrency} />
        </Field>
        <Field label="Seconds between messages to one recipient">
          <input name="spacing" type="number" min={0} step="any" defaultValue={p?.recipient_spacing_s} />
        </Field>
      </div>
      <fieldset>
        <legend>Price of a message in credits, by category of its template</legend>
        <div className="fields2">
          {categories.map((c) => (
            <Field key={c} label={`Price: ${c}`}>
              <input name={`price ${c}`} type="number" min={0} step="any" defaultValue={p?.price?.[c]} />
            </Field>
          ))}
        </div>
      </fieldset>
    </>
  );
}

function policyOf(v: Record<string, string>) {
  const price = Object.entries(under("price ", v)).map(([category, n]) => [category, Number(n)]);
  return {
    price: Object.fromEntries(price),
    ...(v.rate ? { rate: Number(v.rate) } : {}),
    ...(v.concurrency ? { concurrency: Number(v.concurrency) } : {}),
    ...(v.spacing ? { recipient_spacing_s: Number(v.spacing) } : {}),
  };
}

/** Creates a channel at any provider. */
export function CreateChannel({ close }: { close: () => void }) {
  const providers = useGet(["providers"], () => getProviders({ client }));
  const all = providers.data?.data ?? [];
  const [name, setName] = useState("");
  const [kind, setKind] = useState("");
  const vendor: Vendor | undefined = all.find((p) => p.name === name) ?? all[0];
  const chosen = vendor?.kinds.includes(kind) ? kind : (vendor?.kinds[0] ?? "");
  const fits = (f: VendorField) => !f.kind || f.kind === chosen;
  return (
    <Dialog title="Create a channel" onClose={close}>
      <ErrorBox error={providers.error} retry={providers.refetch} />
      {!vendor ? (
        <Loading />
      ) : (
        <Form
          label="Create"
          submit={async (v) => {
            await postChannels({
              client,
              body: {
                provider: vendor.name as ChannelCreate["provider"],
                kind: chosen as "sms",
                name: v.name,
                sender: v.sender,
                settings: under("setting ", v),
                secrets: under("secret ", v),
                policy: policyOf(v),
              },
            });
            close();
            again();
          }}
        >
          <div className="fields2">
            <Field label="Provider" hint={vendor.about}>
              <select value={vendor.name} onChange={(e) => setName(e.target.value)}>
                {all.map((p) => (
                  <option key={p.name} value={p.name}>
                    {p.title}
                  </option>
                ))}
              </select>
            </Field>
            <Field label="Kind">
              <select value={chosen} onChange={(e) => setKind(e.target.value)}>
                {vendor.kinds.map((k) => (
                  <option key={k} value={k}>
                    {k === "sms" ? "SMS" : "WhatsApp"}
                  </option>
                ))}
              </select>
            </Field>
            <Field label="Name">
              <input name="name" required maxLength={100} />
            </Field>
            <Field label="Sender" hint="The number with its country, such as +15550002222.">
              <input name="sender" required maxLength={64} />
            </Field>
            <Fields key={vendor.name} fields={vendor.settings.filter(fits)} prefix="setting " />
            <Fields key={`${vendor.name} secrets`} fields={vendor.secrets.filter(fits)} prefix="secret " secret />
          </div>
          <details>
            <summary>Rate and prices</summary>
            <Policy />
          </details>
        </Form>
      )}
    </Dialog>
  );
}

/** Changes a channel; secrets that are left empty stay as they are. */
export function EditChannel({ channel: c, vendor, close }: { channel: Channel; vendor?: Vendor; close: () => void }) {
  const fits = (f: VendorField) => !f.kind || f.kind === c.kind;
  return (
    <Dialog title={ask("Edit", c.name, "")} onClose={close}>
      <Form
        label="Save"
        submit={async (v) => {
          const secrets = under("secret ", v);
          await patchChannelsId({
            client,
            path: { id: c.id! },
            body: {
              name: v.name,
              ...(v.sender === c.sender ? {} : { sender: v.sender }),
              ...(v.default === "on" ? { default: true } : {}),
              settings: under("setting ", v),
              ...(Object.keys(secrets).length ? { secrets } : {}),
              policy: policyOf(v),
            },
          });
          close();
          again();
        }}
      >
        <div className="fields2">
          <Field label="Name">
            <input name="name" required maxLength={100} defaultValue={c.name} />
          </Field>
          <Field label="Sender">
            <input name="sender" required maxLength={64} defaultValue={c.sender} />
          </Field>
          <Fields fields={(vendor?.settings ?? []).filter(fits)} prefix="setting " before={c} />
          <Fields fields={(vendor?.secrets ?? []).filter(fits)} prefix="secret " secret before={c} />
        </div>
        <Policy before={c} />
        {!c.default && (
          <label className="check">
            <input type="checkbox" name="default" /> The default of messages that name no channel
          </label>
        )}
      </Form>
    </Dialog>
  );
}
