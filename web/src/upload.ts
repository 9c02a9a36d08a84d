import { getImportsId, type Import } from "@sendoff/client";
import { client } from "./api";

const types: Record<string, string> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/**
 * Uploads a file as an import and returns it once it has ended. The generated
 * function has no repeated query parameter.
 */
export async function upload(
  file: File,
  query: Record<string, string>,
  map: Record<string, string>,
  seen: (v: Import) => void,
): Promise<Import> {
  const q = new URLSearchParams(query);
  for (const [column, field] of Object.entries(map)) if (field) q.append("map", `${column}:${field}`);
  const type = types[file.name.split(".").pop()?.toLowerCase() ?? "csv"] ?? "text/csv";
  const { data } = await client.request({
    method: "POST",
    url: `/v1/imports?${q}`,
    body: file,
    bodySerializer: null,
    headers: { "Content-Type": type },
  } as never);
  let v = data as Import;
  while (v.status === "uploading" || v.status === "running") {
    seen(v);
    await new Promise((r) => setTimeout(r, 500));
    ({ data: v } = await getImportsId({ client, path: { id: String(v.id) } }));
  }
  seen(v);
  return v;
}
