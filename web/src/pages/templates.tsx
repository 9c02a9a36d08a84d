import { getChannels, getTemplates, postTemplatesIdPreview, postTemplatesSync } from "@sendoff/client";
import { useState } from "react";
import { client, queries, useCan, useGet } from "../api";
import { useUrl } from "../search";
import { Act, Badge, Dialog, Empty, ErrorBox, Field, Form, Json, Loading, Page, Table } from "../ui";
import { Pager } from "./messages";

export function Templates() {
  const [url, setUrl] = useUrl();
  const list = useGet(["templates", url], () => getTemplates({ client, query: { search: url.q, cursor: url.cursor } as never }));
  const channels = useGet(["channels"], () => getChannels({ client }));
  const manage = useCan("manage");
  const [shown, setShown] = useState<{ id?: number; name?: string; variables?: string[] }>();
  const [preview, setPreview] = useState<unknown>();
  const rows = list.data?.data ?? [];
  return (
    <Page
      title="Templates"
      actions={
        manage &&
        (channels.data?.data ?? [])
          .filter((c) => c.provider === "meta")
          .map((c) => (
            <Act
              key={c.id}
              className="btn"
              run={async () => {
                await postTemplatesSync({ client, body: { channel_id: c.id! } as never });
                queries.invalidateQueries({ queryKey: ["templates"] });
              }}
            >
              Sync {c.name}
            </Act>
          ))
      }
    >
      <form
        className="row"
        onSubmit={(e) => {
          e.preventDefault();
          setUrl({ q: String(new FormData(e.currentTarget).get("q") ?? ""), cursor: undefined });
        }}
      >
        <label>
          <span className="sr">Search templates</span>
          <input name="q" type="search" defaultValue={url.q} placeholder="Name" />
        </label>
        <button type="submit" className="btn">
          Search
        </button>
      </form>
      <ErrorBox error={list.error} retry={list.refetch} />
      {list.isPending && <Loading />}
      {list.data && rows.length === 0 && <Empty title="No template">Synchronise a channel to read its templates from the provider.</Empty>}
      {rows.length > 0 && (
        <Table
          label="Templates"
          rows={rows}
          id={(t) => t.id ?? 0}
          columns={[
            { name: "Name", cell: (t) => <bdi>{t.name}</bdi> },
            { name: "Language", cell: (t) => t.language },
            { name: "Category", cell: (t) => t.category },
            { name: "Status", cell: (t) => <Badge>{t.status ?? ""}</Badge> },
            { name: "Variables", cell: (t) => <span className="soft">{t.variables?.join(", ") || "none"}</span> },
            {
              name: "",
              cell: (t) => (
                <button
                  type="button"
                  className="btn small"
                  onClick={() => {
                    setPreview(undefined);
                    setShown(t);
                  }}
                >
                  Preview <span className="sr">{t.name}</span>
                </button>
              ),
            },
          ]}
        />
      )}
      <Pager cursor={url.cursor} next={list.data?.next_cursor} go={(cursor) => setUrl({ cursor })} />
      {shown && (
        <Dialog title={`Preview of ${shown.name}`} onClose={() => setShown(undefined)}>
          <Form
            label="Show"
            submit={async (v) => {
              const variables = (shown.variables ?? []).map((name) => v[name] ?? "");
              const { data } = await postTemplatesIdPreview({ client, path: { id: shown.id! }, body: { variables } as never });
              setPreview(data);
            }}
          >
            {(shown.variables ?? []).map((name) => (
              <Field key={name} label={name}>
                <input name={name} />
              </Field>
            ))}
          </Form>
          {preview !== undefined && <Json value={preview} label="Preview" />}
        </Dialog>
      )}
    </Page>
  );
}
