import type { Shown } from "./content";

/** A message on a phone. All of it is text of others: nothing in it is a link, and its direction stays its own. */
export function Bubble({ shown, label = "Preview" }: { shown: Shown; label?: string }) {
  const empty = !shown.media && !shown.header && !shown.body && !shown.buttons?.length;
  return (
    <figure className="phone" aria-label={label}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div className="bubble" tabIndex={0} role="group" aria-label="Message text">
        {shown.media && (
          <div className="media">
            <strong>{shown.media.kind}</strong> {shown.media.address && <bdi>{shown.media.address}</bdi>}
          </div>
        )}
        {shown.header && (
          <div className="strong">
            <bdi>{shown.header}</bdi>
          </div>
        )}
        {shown.body && (
          <div>
            <bdi>{shown.body}</bdi>
          </div>
        )}
        {shown.footer && (
          <div className="soft small">
            <bdi>{shown.footer}</bdi>
          </div>
        )}
        {empty && <span className="soft">Nothing to show yet</span>}
      </div>
      {shown.buttons?.map((b, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: buttons have no id, and two may have one text
        <div key={i} className="bubble choice">
          <bdi>{b}</bdi>
        </div>
      ))}
    </figure>
  );
}
