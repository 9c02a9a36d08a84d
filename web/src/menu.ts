/** The pages of the navigation: name, address, and the key that leads there after g. */
export const pages = [
  ["Overview", "/", "o"],
  ["Messages", "/messages", "m"],
  ["Scheduled", "/scheduled", "s"],
  ["Campaigns", "/campaigns", "c"],
  ["Contacts", "/contacts", "p"],
  ["Templates", "/templates", "t"],
  ["Channels", "/channels", "h"],
  ["API keys", "/keys", "k"],
  ["Playground", "/playground", "y"],
  ["Webhooks", "/webhooks", "w"],
  ["Team", "/team", "e"],
  ["Audit log", "/audit", "a"],
  ["Settings", "/settings", "x"],
] as const;
