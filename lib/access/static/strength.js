// Says beside a new password, while it is typed, how hard it is to guess. The server judges; nothing is kept of it.
(() => {
  "use strict";
  for (const shown of document.querySelectorAll("[data-strength]")) {
    const field = document.getElementById(shown.dataset.strength);
    const form = field.form;
    let timer = 0;
    let asked = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 250);
    });

    async function ask() {
      const mine = ++asked;
      if (!field.value) return say("", "");
      const fields = new URLSearchParams({ password: field.value, language: document.documentElement.lang });
      for (const name of ["code", "username", "company"]) if (form[name]) fields.set(name, form[name].value);
      try {
        const response = await fetch("/password/strength", { method: "POST", body: fields });
        const answer = response.ok ? await response.json() : { score: "", text: "" };
        if (mine === asked) say(answer.text, answer.score);
      } catch {
        if (mine === asked) say("", "");
      }
    }

    function say(text, score) {
      shown.dataset.score = score;
      shown.style.setProperty("--score", Number(score) + 1);
      shown.textContent = text;
    }
  }
})();
