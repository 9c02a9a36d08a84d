import { call, client } from "./api";

export interface ImportView {
  id: number;
  kind?: string;
  status: string;
  received?: number;
  lines?: number;
  created?: number;
  updated?: number;
  unchanged?: number;
  duplicate?: number;
  suppressed?: number;
  bad?: number;
  encoding?: string;
  delimiter?: string;
  columns?: { name: string; field: string; sample?: string }[];
  started_at?: string;
  finished_at?: string;
}

const types: Record<string, string> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
};

/** Uploads a file as an import and returns it once it has ended. */
export async function upload(
  file: File,
  query: Record<string, string>,
  map: Record<string, string>,
  seen: (v: ImportView) => void,
): Promise<ImportView> {
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
  let v = data as ImportView;
  while (["uploading", "running"].includes(v.status)) {
    seen(v);
    await new Promise((r) => setTimeout(r, 500));
    v = await call<ImportView>("GET", `/v1/imports/${v.id}`);
  }
  seen(v);
  return v;
}
