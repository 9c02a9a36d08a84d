import { getSessionLogin, postInvitationsAccept, postSession } from "@sendoff/client";
import { useEffect, useState } from "react";
import { client } from "../api";
import { useUrl } from "../search";
import { Field, Form } from "../ui";

const invitation = new URLSearchParams(location.hash.slice(1)).get("invitation");

export function SignIn() {
  const [{ next }] = useUrl();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  useEffect(() => {
    document.title = "Sign in · Sendoff";
    if (invitation) return;
    getSessionLogin({ client }).then(
      ({ data }) => {
        setEmail((have) => have || data.email || "");
        setPassword((have) => have || data.password || "");
      },
      () => {},
    );
  }, []);
  const enter = () => location.replace(next?.startsWith("/") && !next.startsWith("//") ? next : "/");
  return (
    <main className="sign stack">
      <div className="brand">
        <img src="/icon.svg" width="28" height="28" alt="" /> Sendoff
      </div>
      <h1>{invitation ? "Welcome: choose a password" : "Sign in"}</h1>
      {invitation ? (
        <Form
          label="Set password and sign in"
          submit={async (v) => {
            await postInvitationsAccept({ client, body: { token: invitation, password: v.password } });
            enter();
          }}
        >
          <Field label="Password" hint="At least 10 characters.">
            <input name="password" type="password" autoComplete="new-password" minLength={10} required />
          </Field>
        </Form>
      ) : (
        <Form
          label="Sign in"
          submit={async () => {
            await postSession({ client, body: { email, password } });
            enter();
          }}
        >
          <Field label="E-mail">
            <input type="email" autoComplete="username" value={email} onChange={(e) => setEmail(e.target.value)} required />
          </Field>
          <Field label="Password">
            <input
              type="password"
              autoComplete="current-password"
              value={password}
              onChange={(e) => setPassword(e.target.value)}
              required
            />
          </Field>
        </Form>
      )}
    </main>
  );
}
