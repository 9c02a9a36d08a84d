// Sends a message with the client that hey-api generates, and prints its status when
// that is final.
import { client } from "./ts/client.gen";
import { getMessagesId, postMessages } from "./ts/sdk.gen";

declare const process: { argv: string[] };

async function main([baseUrl, auth, to]: string[]) {
  client.setConfig({ baseUrl, auth });
  const body = { to, type: "template", template: { name: "hello_world", language: "en" } } as const;
  const sent = await postMessages({ body, throwOnError: true });
  const bad = await getMessagesId({ path: { id: "nonsense" } });
  if (bad.error?.code !== "not_found") throw new Error(`a refusal: ${JSON.stringify(bad.error)}`);
  const id = sent.data.message_id;
  if (!id) throw new Error("no message_id");
  const got = await getMessagesId({ path: { id }, query: { wait: 20, status: "delivered" }, throwOnError: true });
  console.log(got.data.status);
}

void main(process.argv.slice(2));
