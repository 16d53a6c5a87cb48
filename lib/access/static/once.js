// Sends each form once: a second click while the first is under way would be refused, and hide its answer.
(() => {
  "use strict";
  const sent = new Set();

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (sent.has(form)) event.preventDefault();
    sent.add(form);
    setTimeout(() => allow(form, false)); // once the browser has read what to send
  });

  // A page that comes back from the browser's memory can be used again.
  window.addEventListener("pageshow", () => {
    for (const form of sent) allow(form, true);
    sent.clear();
  });

  function allow(form, yes) {
    for (const button of form.querySelectorAll("button")) button.disabled = !yes;
  }
})();
