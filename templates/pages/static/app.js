"use strict";
// What the pages do beyond links and forms. Without it everything still reads and works.

// htmx puts what our own server rendered into the page, by the one policy that the page's own policy names; it never
// makes script of text.
const never = function () { throw new Error("no script is made of text here"); };
htmx.registerExtension("waypost", {
  init(api) {
    const policy = window.trustedTypes
      ? trustedTypes.createPolicy("htmx", { createHTML: (html) => html })
      : { createHTML: (html) => html };
    api.initSecurity(policy, never, never);
  },
});

// Instants are shown where the reader is: the server reads this with the next page.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone) document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;

// Where the navigation is longer than the screen, the present entry is in sight.
for (const one of document.querySelectorAll("nav [aria-current]")) one.parentNode.scrollLeft = one.offsetLeft - 80;

// "/" leads to the search from everywhere, "?" lists the keys, Escape leaves what is open.
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input, textarea, select, [data-editor]");
  if (event.key === "/" && !writing && !event.ctrlKey && !event.metaKey) {
    const field = document.querySelector("[data-search]");
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  }
  if (event.key === "?" && !writing) document.querySelector("#keys")?.showModal();
  if (event.key === "Escape") document.querySelectorAll("details[data-menu][open]").forEach((one) => { one.open = false; });
});
document.addEventListener("click", (event) => {
  document.querySelectorAll("details[data-menu][open]").forEach((one) => {
    if (!one.contains(event.target)) one.open = false;
  });
  const copied = event.target.closest("[data-copy]");
  if (copied) {
    navigator.clipboard?.writeText(document.getElementById(copied.dataset.copy).textContent);
    copied.textContent = "Copied";
  }
});

// What scrolls is reached by the keyboard: the field of the editor, too, as soon as it is made.
const desk = document.querySelector("[data-editor]");
if (desk) {
  new MutationObserver(() => {
    for (const one of desk.children) one.shadowRoot?.querySelectorAll(".cm-scroller").forEach((field) => { field.tabIndex = 0; });
  }).observe(desk, { childList: true });
}

// What changes by itself stands still while somebody reads a part of it.
document.addEventListener("htmx:before:request", (event) => {
  if (event.target.matches("[data-read]") && event.target.querySelector("details[open]")) event.preventDefault();
});

// One box chooses all of a list.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-choose-all]")) return;
  event.target.closest("form").querySelectorAll("input[name=chosen]").forEach((one) => { one.checked = event.target.checked; });
});

// Counts on a map, told by the server as they change.
const watched = document.querySelector("[data-watch]");
if (watched) {
  const told = new EventSource(watched.dataset.watch);
  told.addEventListener("counts", (event) => {
    const counts = JSON.parse(event.data);
    watched.querySelectorAll("[data-count]").forEach((one) => {
      const now = counts[one.dataset.count] ?? "0";
      if (one.textContent !== now) { one.textContent = now; one.classList.add("changed"); }
      const link = one.closest("a[aria-label]");
      link?.setAttribute("aria-label", link.getAttribute("aria-label").replace(/^[\d,]+/, now));
      one.closest(".of-step")?.classList.toggle("nobody", now === "0");
    });
  });
  const changed = document.querySelector("[data-changed]");
  told.addEventListener("state", (event) => { changed.hidden = JSON.parse(event.data) === watched.dataset.state; });
  told.addEventListener("gone", () => { changed.hidden = false; told.close(); });
  addEventListener("pagehide", () => told.close());
}

// What one writes is shown in the frame beside it as one types. Each time in a new frame: the way back stays short.
const live = document.querySelector("[data-live]");
if (live) {
  let later;
  live.form.addEventListener("input", () => {
    clearTimeout(later);
    later = setTimeout(() => live.form.requestSubmit(live), 800);
  });
  live.form.addEventListener("submit", (event) => {
    if (event.submitter !== live) return;
    const old = document.querySelector(`iframe[name="${live.dataset.live}"]`), fresh = old.cloneNode();
    fresh.removeAttribute("src");
    old.replaceWith(fresh);
  });
}

// What was written before the page was ready (on a slow line, or kept by the browser) is heard as if it was typed now:
// as soon as htmx, which is loaded before this file and begins with a timer of its own, listens.
setTimeout(() => {
  const chosenAnew = (options) =>
    options.some((one) => one.defaultSelected) && options.some((one) => one.selected !== one.defaultSelected);
  const written = (one) => one.options ? chosenAnew([...one.options]) : one.value !== one.defaultValue || one.checked !== one.defaultChecked;
  for (const one of document.querySelectorAll(".search :focus, main :is(input:not([type=hidden]), textarea, select)")) {
    if (written(one)) for (const kind of ["input", "change"]) one.dispatchEvent(new Event(kind, { bubbles: true }));
  }
});
