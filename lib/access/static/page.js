// Says what became of the connection, in the user's language, instead of the dialog that Streamlit has in English.
//
// The page is told over a WebSocket. When that closes, /session says why: the session has ended, or nobody answers. Until
// it is well again, what Streamlit asks first when it tries to come back is held; so it shows no error, loses nothing of
// what was typed, and is back at once.
(() => {
  "use strict";
  const own = document.currentScript.dataset;
  const me = own.who;
  let { run } = own;
  let texts = JSON.parse(own.texts);

  const STREAM = "/_stcore/stream";
  const ASKED_FIRST = ["/_stcore/health", "/_stcore/host-config"];
  const AGAIN = 2000; // ms between two questions
  const PATIENCE = 1500; // ms without a connection until that is said
  const KEPT = 110000; // ms that the server keeps a page's state for (server.disconnectedSessionTTL)

  const fetchNow = window.fetch.bind(window);
  const Socket = window.WebSocket;
  let socket = null; // the newest
  let lostAt = 0; // 0: connected, or not yet
  let stale = false; // the server no longer has this page's state
  let over = false; // the session had ended meanwhile: what was under way may have been refused
  let anew = false; // connected, and the page is to run again before anybody goes on
  let kept = []; // what stood typed when the connection was lost
  let leaving = 0; // until when a page that closes is no loss
  let timer = 0;
  let signInTab = null;
  let waiting = null; // { promise, go }: what Streamlit asks is held

  const pathOf = (address) => new URL(address, location.href).pathname;

  window.WebSocket = class extends Socket {
    constructor(...parameters) {
      super(...parameters);
      if (pathOf(parameters[0]) !== STREAM) return;
      socket = this;
      this.addEventListener("open", () => socket === this && found());
      this.addEventListener("message", () => socket === this && anew && back());
      this.addEventListener("close", () => socket === this && lost());
    }
  };

  window.fetch = (what, options) => {
    const path = pathOf(what instanceof Request ? what.url : what);
    if (!waiting || !ASKED_FIRST.includes(path)) return fetchNow(what, options);
    // Its signal has run out by then.
    return waiting.promise.then(() => fetchNow(what, { ...options, signal: undefined }));
  };

  function lost() {
    stale ||= anew;
    anew = false;
    if (!lostAt) {
      lostAt = Date.now();
      kept = typed();
    }
    if (!waiting) {
      waiting = {};
      waiting.promise = new Promise((go) => (waiting.go = go));
    }
    ask();
  }

  function found() {
    anew = stale || (lostAt > 0 && Date.now() - lostAt > KEPT);
    over ||= anew;
    stale = false;
    lostAt = 0;
    clearTimeout(timer);
    if (anew) setTimeout(() => runAgain(socket, 10));
    else back();
  }

  // A server that has forgotten the page's state runs it again, as the key R does. Nothing can be pressed until it has
  // begun: that run would take the place of the one that a button asked for.
  function runAgain(connected, times) {
    if (!anew || socket !== connected) return;
    const key = { key: "r", code: "KeyR", keyCode: 82, which: 82, bubbles: true };
    document.body.dispatchEvent(new KeyboardEvent("keydown", key));
    document.body.dispatchEvent(new KeyboardEvent("keyup", key));
    if (times) setTimeout(() => runAgain(connected, times - 1), 300);
    else back();
  }

  function back() {
    anew = false;
    hide();
    if (over) typeAgain(kept, Date.now() + 8000);
    over = false;
  }

  // -- what was typed -------------------------------------------------------------------------------------------------

  // Fields that somebody typed in. A page that begins anew may draw others in their place, and without it.
  const typedIn = new Set();
  let before = new WeakMap(); // what stood in a field when somebody came to it
  const TEXT = "textarea, input:not([type=password], [type=checkbox], [type=radio], [type=file], [role=combobox])";
  document.addEventListener(
    "focusin",
    (event) => {
      const field = event.target;
      if (field.matches(TEXT) && !before.has(field)) before.set(field, field.value);
    },
    true,
  );
  document.addEventListener(
    "input",
    (event) => {
      const field = event.target;
      if (!field.matches(TEXT)) return;
      for (const old of typedIn) if (!old.isConnected) typedIn.delete(old);
      typedIn.add(field);
      if (!typing) forget(field);
      if (lostAt) kept = typed();
    },
    true,
  );

  // Which fields hold text that somebody typed, what they are called, their place among those of that name, the text, and
  // the one before. A field may be another one's later.
  function typed() {
    const fields = [...typedIn].filter((field) => field.isConnected && field.value);
    return fields.map((field) => {
      const name = nameOf(field);
      return { field, name, place: named(name).indexOf(field), text: field.value, first: before.get(field) || "" };
    });
  }

  const nameOf = (field) => `${field.tagName} ${field.getAttribute("aria-label")}`;
  const named = (name) => [...document.querySelectorAll(TEXT)].filter((field) => nameOf(field) === name);

  // Text goes into the field of the same name that says what the first one did at the beginning. A page that is still
  // being drawn may put yet another field in its place, or empty the same one, so that goes on for a while; what somebody
  // types meanwhile stays. A button ends it: what was sent does not come back. So does another page: its fields may have
  // the same names.
  let again = []; // what is being typed again
  let typing = false;

  function typeAgain(texts, until) {
    again = texts;
    step(texts, until);
  }

  function step(texts, until) {
    if (texts !== again) return;
    for (const one of texts) {
      const field = named(one.name)[one.place];
      if (!field || field.value === one.text || field.closest("[data-stale=true]")) continue;
      if (field.value && field.value !== one.first) continue;
      one.field = field;
      before.set(field, field.value);
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, one.text);
      typing = true;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      typing = false;
    }
    if (Date.now() >= until) again = [];
    else if (texts.length) setTimeout(() => step(texts, until), 250);
  }

  // Somebody types in a field themselves.
  function forget(field) {
    const at = again.findIndex((one) => one.field === field);
    if (at >= 0) again.splice(at, 1);
  }

  // Whoever looks something up in the middle of an entry finds the text again afterwards, until this tab is closed.
  const drafts = new Map(); // by page, and by the row that it shows
  const shown = () => location.pathname + (new URLSearchParams(location.search).get("row") || "");
  let page = shown();
  let clicked = { at: 0, texts: [] }; // on a way to another page

  document.addEventListener(
    "click",
    (event) => {
      if (event.target.closest("a[href]")) clicked = { at: Date.now(), texts: typed() };
      else if (event.target.closest("button")) again = [];
    },
    true,
  );

  // Behind a click on a way, Streamlit takes the fields away before the address changes.
  function moved() {
    if (shown() === page) return;
    let texts = typed();
    if (!texts.length && Date.now() - clicked.at < 10000) texts = clicked.texts;
    const left = again.filter((one) => !texts.some(({ field }) => field === one.field)); // not yet typed again
    drafts.set(page, [...texts, ...left]);
    clicked = { at: 0, texts: [] };
    typedIn.clear(); // the next page may use the same fields
    before = new WeakMap();
    page = shown();
    typeAgain(drafts.get(page) || [], Date.now() + 8000);
    drafts.delete(page);
  }

  for (const name of ["pushState", "replaceState"]) {
    const change = history[name].bind(history);
    history[name] = (...parameters) => {
      change(...parameters);
      moved();
    };
  }
  window.addEventListener("popstate", moved);

  // -- whether the session holds --------------------------------------------------------------------------------------

  function goOn() {
    if (waiting) waiting.go();
    waiting = null;
  }

  async function ask() {
    clearTimeout(timer);
    timer = setTimeout(ask, AGAIN + 5000);
    const answer = await session();
    if (!lostAt) return;
    clearTimeout(timer);
    timer = setTimeout(ask, AGAIN);
    if (answer === null) show("lost");
    else if (answer.who === "") {
      over = true;
      show("ended");
    }
    else if (answer.who !== me) location.reload();
    else {
      if (answer.run !== run) stale = true;
      say(answer);
      if (signInTab) signInTab.close();
      signInTab = null;
      goOn();
      if (state !== "ended") show("lost");
    }
  }

  // What the server says of this browser's session; null where it says nothing.
  async function session() {
    try {
      const response = await fetchNow("/session", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  function say(answer) {
    ({ run, texts } = answer);
    document.documentElement.lang = answer.language;
  }

  // -- what is shown --------------------------------------------------------------------------------------------------

  let state = "";
  let cover = null;
  let focused = null;

  function show(kind) {
    if (state === kind || Date.now() < leaving) return;
    if (kind === "lost" && Date.now() - lostAt < PATIENCE) {
      clearTimeout(timer);
      timer = setTimeout(ask, PATIENCE - (Date.now() - lostAt) + 20);
      return;
    }
    if (!state) focused = document.activeElement;
    hide(false);
    state = kind;
    cover = document.createElement("div");
    cover.className = `gate-cover gate-${kind}`;
    cover.innerHTML =
      '<div role="alertdialog" aria-modal="true" aria-labelledby="gate-title" aria-describedby="gate-text" tabindex="-1">' +
      '<h2 id="gate-title"></h2><p id="gate-text"></p></div>';
    const box = cover.firstChild;
    cover.querySelector("h2").textContent = texts[`${kind}_title`];
    cover.querySelector("p").textContent = texts[`${kind}_text`];
    if (kind === "ended") {
      const link = document.createElement("a");
      link.href = "/login?next=/signed-in";
      link.target = "_blank";
      link.textContent = texts.sign_in;
      link.addEventListener("click", (event) => {
        signInTab = window.open(link.href, "_blank");
        if (signInTab) event.preventDefault();
      });
      box.append(link);
    }
    document.body.append(cover);
    rest();
    behind.observe(document.body, { childList: true }); // menus and dialogs that open meanwhile
    (box.querySelector("a") || box).focus();
  }

  const behind = new MutationObserver(rest);
  let resting = [];

  function rest() {
    for (const other of document.body.children) {
      if (other === cover || other.inert) continue;
      other.inert = true;
      resting.push(other);
    }
  }

  function hide(back = true) {
    if (!cover) return;
    cover.remove();
    cover = null;
    state = "";
    behind.disconnect();
    for (const other of resting) other.inert = false;
    resting = [];
    if (back && focused && focused.isConnected) focused.focus();
  }

  // Keys do nothing behind the cover, and Escape does not take it away.
  for (const kind of ["keydown", "keyup", "keypress"]) {
    window.addEventListener(
      kind,
      (event) => {
        if (!cover || !event.isTrusted) return;
        event.stopImmediatePropagation();
        if (event.key === "Tab") {
          event.preventDefault();
          (cover.querySelector("a") || cover.firstChild).focus();
        }
      },
      true,
    );
  }

  // A page that is left closes its connection, too.
  window.addEventListener("beforeunload", () => (leaving = Date.now() + 3000));
  // Whoever comes back to this tab waits for no timer.
  for (const [target, kind] of [
    [document, "visibilitychange"],
    [window, "focus"],
    [window, "online"],
  ])
    target.addEventListener(kind, () => lostAt && ask());

  // The title changes with the language.
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver(async () => {
      const answer = await session();
      if (answer && answer.who === me) say(answer);
    }).observe(document.querySelector("title"), { childList: true, characterData: true, subtree: true });
  });
})();
