// A tab that is older than the server asks for scripts that are gone: load the page
// of today, once.
addEventListener("vite:preloadError", (event) => {
  try {
    if (sessionStorage.getItem("reloaded") === location.href) return;
    sessionStorage.setItem("reloaded", location.href);
  } catch {}
  event.preventDefault();
  location.reload();
});

// The frame of index.html is painted before the scripts of the application take the browser's time.
const painted = new Promise((resolve) => {
  requestAnimationFrame(() => setTimeout(resolve));
  setTimeout(resolve, 100); // a tab in the background has no frames
});
painted.then(() => import("./app"));
