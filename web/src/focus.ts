// The focus is never lost: when what had it is gone, such as a row that was deleted,
// the page takes it, and the next Tab goes on from there.
let last: EventTarget | null = null;
document.addEventListener("focusin", (e) => {
  last = e.target;
});

/** Gives the focus to an element, or to the page when the element is gone. */
export function focus(element: Element | null) {
  const on = element instanceof HTMLElement && element.isConnected && element !== document.body;
  (on ? element : document.getElementById("content"))?.focus();
}

/** Whether the page itself has the focus, and so nobody has put it anywhere. */
export const adrift = () => document.activeElement === document.body || document.activeElement?.id === "content";

new MutationObserver(() => {
  if (!(last instanceof Node) || last.isConnected || document.activeElement !== document.body) return;
  last = null;
  focus(null);
}).observe(document.documentElement, { childList: true, subtree: true });
