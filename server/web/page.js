// What every page stands on: elements, calls of the API, questions, and numbers as words. Knows no story.
// Everything is put in as text, never as markup.

export const at = (id) => document.getElementById(id);
export const show = (id, yes = true) => { at(id).hidden = !yes; };

// An element. Attributes: true is there, false and null are not, functions listen.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

export const filled = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

// ---- the API --------------------------------------------------------------------------------------------------------

export const session = { csrf: "", user: null };

// What the API answers. Throws an Error whose message is for people; `status` is absent if there was no answer.
export async function call(method, path, body, headers = {}) {
  const sent = { "X-CSRF-Token": session.csrf, ...(body && { "Content-Type": "application/json" }), ...headers };
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, { method, headers: sent, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The server does not answer. Is `reelhouse serve` still running?");
  }
  const told = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return told;
  if (answer.status === 401 && session.user) document.dispatchEvent(new Event("ended"));
  throw Object.assign(new Error(told?.error?.message ?? `The server answered ${answer.status}.`), { status: answer.status });
}

// Our own files, whatever public address they have: the policy of these pages loads nothing from elsewhere.
export const local = (url) => url && new URL(url).pathname;

// A listener that tells what went wrong, and whose button waits meanwhile.
export function attempt(work) {
  return async (event) => {
    event?.preventDefault?.();
    show("problem", false);
    const button = event?.submitter ?? (event?.currentTarget?.tagName === "BUTTON" ? event.currentTarget : null);
    if (button) button.disabled = true;
    try {
      await work(event?.currentTarget ?? event?.target);
    } catch (error) {
      complain(error, event?.type === "submit" ? event.target : null);
    } finally {
      if (button) button.disabled = false;
    }
  };
}

// Says it where it happened: in a form of the page itself; else on top, since what a script drew may be drawn anew.
export function complain(error, form) {
  if (form?.closest("[data-own]")) form.append(at("problem"));
  else if (session.user) document.querySelector("header").after(at("problem"));
  else document.querySelector("main").prepend(at("problem"));
  at("problem").replaceChildren(...prose(error.message));
  show("problem");
  at("problem").scrollIntoView({ block: "nearest" });
}

// ---- questions ------------------------------------------------------------------------------------------------------

// Whether the person agrees. `told`: nodes or texts. Escape is no.
export function ask(title, told, verb, { danger = false } = {}) {
  const box = make("dialog", { "aria-label": title },
    make("form", { method: "dialog", class: "bare" },
      make("h2", {}, title),
      ...[told].flat().map((one) => (typeof one === "string" ? make("p", {}, one) : one)),
      make("p", { class: "row end" },
        make("button", { class: "quiet", value: "" }, "Not now"),
        make("button", { class: danger ? "danger" : "", value: "yes" }, verb))));
  document.body.append(box);
  return new Promise((resolve) => {
    box.onclose = () => { resolve(box.returnValue === "yes"); box.remove(); };
    box.showModal();
  });
}

// Whether it was copied. The clipboard is there under https and on localhost only; on a LAN what is selected can be copied.
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { class: "unseen", "aria-hidden": true });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

// ---- words ----------------------------------------------------------------------------------------------------------

// Text in which `this` is code.
export const prose = (text) => text.split("`").map((part, number) => (number % 2 ? make("code", {}, part) : part));

export function lasting(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  return `${hours} h ${Math.round((seconds - hours * 3600) / 60)} min`;
}

export const many = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
export const when = (iso) => new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
export const words = (name) => name.replaceAll("_", " ");

export const FORMATS = {
  cinematic_story: "Cinematic story", news_analysis: "News analysis", music_video: "Music video",
  persona_channel: "Persona channel", youtube_clone: "Explainer channel", ad_spot: "Advertisement",
};
