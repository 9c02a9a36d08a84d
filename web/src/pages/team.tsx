import { deleteUsersId, getUsers, patchUsersId, postInvitations } from "@sendoff/client";
import { useState } from "react";
import { client, queries, useCan, useGet, useSession } from "../api";
import { Pager } from "../list";
import { useUrl } from "../search";
import { Act, ask, Badge, Copy, Dialog, ErrorBox, Field, Form, Loading, Page, Table, Time } from "../ui";

const again = () => queries.invalidateQueries({ queryKey: ["users"] });
const roles = ["owner", "admin", "sender", "viewer"] as const;

export function Team() {
  const [{ cursor }] = useUrl();
  const list = useGet(["users", "page", cursor], () => getUsers({ client, query: { limit: 50, cursor } }));
  const manage = useCan("manage");
  const me = useSession().data;
  const [inviting, setInviting] = useState(false);
  const [link, setLink] = useState("");
  const [error, setError] = useState<unknown>();
  return (
    <Page
      title="Team"
      actions={
        manage && (
          <button type="button" className="btn primary" onClick={() => setInviting(true)}>
            Invite
          </button>
        )
      }
    >
      <ErrorBox error={list.error} retry={list.refetch} />
      <ErrorBox error={error} />
      {list.isPending && <Loading />}
      {list.data && (
        <Table
          label="Team"
          rows={list.data.data ?? []}
          id={(u) => u.id ?? ""}
          columns={[
            { name: "Name", cell: (u) => <bdi>{u.name}</bdi> },
            { name: "E-mail", cell: (u) => <bdi>{u.email}</bdi> },
            {
              name: "Role",
              cell: (u) =>
                manage && u.id !== me?.user?.id && (u.role !== "owner" || me?.role === "owner") ? (
                  <select
                    aria-label={`Role of ${u.name}`}
                    value={u.role}
                    onChange={async (e) => {
                      const role = e.target.value as "owner";
                      setError(undefined);
                      await patchUsersId({ client, path: { id: u.id! }, body: { role } }).catch(setError);
                      again();
                    }}
                  >
                    {roles
                      .filter((r) => r !== "owner" || me?.role === "owner")
                      .map((r) => (
                        <option key={r}>{r}</option>
                      ))}
                  </select>
                ) : (
                  u.role
                ),
            },
            { name: "State", cell: (u) => <Badge>{u.disabled ? "disabled" : u.can_log_in ? "active" : "invited"}</Badge> },
            { name: "Since", cell: (u) => <Time at={u.created_at} /> },
            {
              name: "",
              cell: (u) =>
                manage &&
                u.id !== me?.user?.id && (
                  <div className="row">
                    <Act
                      run={async () => {
                        const { data } = await postInvitations({ client, body: { user_id: u.id } });
                        setLink(data.url ?? "");
                      }}
                    >
                      New link <span className="sr">for {u.name}</span>
                    </Act>
                    <Act
                      run={async () => {
                        await patchUsersId({ client, path: { id: u.id! }, body: { disabled: !u.disabled } });
                        again();
                      }}
                    >
                      {u.disabled ? "Enable" : "Disable"} <span className="sr">{u.name}</span>
                    </Act>
                    <Act
                      className="btn small danger"
                      confirm={ask("Remove", u.name, "? What they sent stays.")}
                      run={async () => {
                        await deleteUsersId({ client, path: { id: u.id! } });
                        again();
                      }}
                    >
                      Remove <span className="sr">{u.name}</span>
                    </Act>
                  </div>
                ),
            },
          ]}
        />
      )}
      <Pager next={list.data?.next_cursor} rows={list.data?.data?.length ?? 0} />
      {inviting && (
        <Dialog title="Invite a member" onClose={() => setInviting(false)}>
          <Form
            label="Create invitation"
            submit={async (v) => {
              const { data } = await postInvitations({ client, body: { name: v.name, email: v.email, role: v.role as "viewer" } });
              setInviting(false);
              setLink(data.url ?? "");
              again();
            }}
          >
            <Field label="Name">
              <input name="name" required />
            </Field>
            <Field label="E-mail">
              <input name="email" type="email" required />
            </Field>
            <Field label="Role">
              <select name="role" defaultValue="sender">
                {roles
                  .filter((r) => r !== "owner" || me?.role === "owner")
                  .map((r) => (
                    <option key={r}>{r}</option>
                  ))}
              </select>
            </Field>
          </Form>
        </Dialog>
      )}
      {link && (
        <Dialog title="Invitation link" onClose={() => setLink("")}>
          <p>Send this link to the new member. It works once, for 72 hours, and is not shown again.</p>
          <div className="row">
            <code className="code">{link}</code>
            <Copy text={link} />
          </div>
          <div>
            <button type="button" className="btn" onClick={() => setLink("")}>
              Done
            </button>
          </div>
        </Dialog>
      )}
    </Page>
  );
}
