// What must happen before the first paint. Without a chosen theme the system's applies.
try {
  var theme = localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {}
// Sign-in and shared messages stand in no frame; every other page asks first who is signed in.
if (/^\/(sign-in$|share\/)/.test(location.pathname)) {
  document.documentElement.dataset.bare = "";
} else {
  var session = document.createElement("link");
  session.rel = "preload";
  session.as = "fetch";
  session.crossOrigin = "anonymous";
  session.href = "/v1/session";
  document.head.append(session);
}
