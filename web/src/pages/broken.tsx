import { Link } from "@tanstack/react-router";
import { Empty, ErrorBox, Page } from "../ui";

/** What a page shows that broke while it was drawn. */
export function Broken({ error }: { error: unknown }) {
  const fault = { title: "Broken", status: 0, code: "broken", detail: `This page could not be shown: ${error}` };
  return (
    <Page title="Something is wrong">
      <ErrorBox error={fault} retry={() => location.reload()} />
    </Page>
  );
}

/** What an address shows that is none of a page. */
export function NotFound() {
  return (
    <Page title="There is no such page">
      <Empty title="The address leads nowhere">
        <div className="stack tight">
          It may be mistyped, or of an older version.
          <div className="row">
            <Link className="btn primary" to="/">
              Go to the overview
            </Link>
            <Link className="btn" to="/messages">
              Find a message
            </Link>
          </div>
        </div>
      </Empty>
    </Page>
  );
}
