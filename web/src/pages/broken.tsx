import { ErrorBox, Page } from "../ui";

/** What a page shows that broke while it was drawn. */
export function Broken({ error }: { error: unknown }) {
  const fault = { title: "Broken", status: 0, code: "broken", detail: `This page could not be shown: ${error}` };
  return (
    <Page title="Something is wrong">
      <ErrorBox error={fault} retry={() => location.reload()} />
    </Page>
  );
}
