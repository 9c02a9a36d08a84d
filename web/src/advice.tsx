import type { ViewError } from "@sendoff/client";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";

type Code = NonNullable<ViewError["code"]>;

/** What an error of a message means for its sender, and the page where to go on. */
const advice: Record<Code, [text: string, page?: keyof typeof names]> = {
  invalid_recipient: ["The number can't be reached: it does not exist, or its owner does not use WhatsApp. Ask the person for another."],
  suppressed: ["The person has opted out, and gets nothing until they agree again.", "suppression"],
  outside_window: ["Free text may go out only within 24 hours of the person's last message. Send a template instead.", "playground"],
  template_rejected: [
    "The provider does not know this template, or its values do not fit. Compare them, and sync the templates.",
    "templates",
  ],
  template_paused: [
    "The provider has paused or disabled the template, often for its quality. Choose another one until it is back.",
    "templates",
  ],
  content_rejected: ["The provider refuses this content: correct what its answer names, then send it again."],
  credentials: ["The provider refuses the channel's credentials. Enter new ones.", "channels"],
  account_blocked: ["The provider has blocked the account or the number. Its own console tells why.", "channels"],
  provider_balance: ["The account at the provider has no credit. Top it up there, then send this again."],
  rate_limited: [
    "The provider took no more messages until this one's time was over. Lower the channel's rate, then send it again.",
    "channels",
  ],
  provider_error: ["The provider failed at every try. Send it again when the provider works.", "channels"],
  provider_unreachable: ["The provider could not be reached at any try. Look at the channel, then send it again.", "channels"],
  outcome_unknown: ["The provider did not answer, so the person may or may not have the message. Ask before you send it again."],
  undelivered: ["The provider took it, and it did not reach the phone: it may be off, or refuse messages. Try again later."],
  not_delivered: ["The provider chose not to deliver it, as it does when a person gets much marketing. Wait a day at least."],
  expired: ["Its time was over before it could go out. Send it again, with more time."],
  late: ["The hours in which the campaign may write to the person were over."],
  capped: ["The person has had as many messages of campaigns as the campaign allows."],
  delivered_meanwhile: ["The first message has arrived meanwhile: nothing is to be done."],
  internal_error: ["Sendoff failed, not the provider. Send it again; if it fails again, the server's log has the reason."],
};

const names = {
  suppression: "Show the suppression",
  playground: "Send a template",
  templates: "Show the templates",
  channels: "Show the channels",
} as const;

/** Says what to do about an error: to is the recipient, template the name of what was sent. */
export function Advice({ code, to, template }: { code: string; to?: string | null; template?: string }): ReactNode {
  const [text, page] = advice[code as Code] ?? [];
  if (!text) return null;
  const search =
    page === "suppression" ? { tab: "suppressions", q: to ?? undefined } : page === "templates" ? { q: template } : ({} as never);
  return (
    <>
      <p>{text}</p>
      {page && (
        <div className="row next">
          <Link className="btn small" to={page === "suppression" ? "/contacts" : `/${page}`} search={search}>
            {names[page]}
          </Link>
        </div>
      )}
    </>
  );
}
