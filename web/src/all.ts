// Whole lists, for the choices of forms and for names.
import { getChannels, getKeys, getLists, getUsers } from "@sendoff/client";
import { client, readAll, useGet } from "./api";

export const useChannels = () => useGet(["channels", "all"], () => readAll((query) => getChannels({ client, query })));

export const useKeys = () => useGet(["keys", "all"], () => readAll((query) => getKeys({ client, query })));

export const useUsers = () => useGet(["users", "all"], () => readAll((query) => getUsers({ client, query })));

export const useLists = (enabled = true) => useGet(["lists", "all"], () => readAll((query) => getLists({ client, query })), { enabled });
