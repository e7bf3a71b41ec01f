// Shortcuts and small comforts. Every page works without this file.
"use strict";
(() => {
  const typing = (element) =>
    element instanceof HTMLElement && (element.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName));

  // A single letter opens a door of the menu, unless somebody is typing.
  document.addEventListener("keydown", (event) => {
    if (document.documentElement.dataset.keys === "off" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
    if (event.key === "?") {
      window.location.assign("/help/");
      return;
    }
    const door = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (door instanceof HTMLElement) {
      event.preventDefault();
      door.click();
    }
  });

  // A form that was sent stays sent: the button rests until the answer comes. The server would do it once anyway.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.sent || form.method.toLowerCase() !== "post") return;
    form.dataset.sent = "yes";
    window.setTimeout(() => form.querySelectorAll("button[type=submit], button:not([type])").forEach((button) => (button.disabled = true)), 0);
    window.setTimeout(() => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    }, 8000);
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("button").forEach((button) => (button.disabled = false));
    });
  });

  // A form kept a copy on this machine while it was sent, in case the network was dead. This page is the answer: it has arrived.
  // Not so where the answer is a refusal, the sign-in, or the form once more.
  const answered = performance.getEntriesByType("navigation")[0]?.responseStatus === 200 && !document.querySelector("form.entry");
  if (document.referrer && answered && window.location.pathname.startsWith("/t/")) {
    try {
      for (const name of Object.keys(window.localStorage).filter((each) => each.startsWith("oligami-draft:"))) {
        if (JSON.parse(window.localStorage.getItem(name)).sending === document.referrer) window.localStorage.removeItem(name);
      }
    } catch {
      // no storage, or something in it that is none of ours: nothing to remove
    }
  }

  // What went wrong is told first to those who cannot see it.
  document.querySelector(".error-summary")?.setAttribute("tabindex", "-1");
  document.querySelector(".error-summary")?.focus();
  // A page asked for by its "Print" is kept in the access log as printed; here it goes to the printer.
  if (new URLSearchParams(window.location.search).get("print") === "1") window.addEventListener("load", () => window.print());
  document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
})();
