// The studio: set-up, sign-in, stories, keys. Everything is put in as text, never as markup.
"use strict";

const at = (id) => document.getElementById(id);
const show = (id, yes = true) => { at(id).hidden = !yes; };
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
// Our own files, whatever public address they have: the policy of this page loads nothing from elsewhere.
const local = (url) => new URL(url).pathname;
const POLL = 3000;
let csrf = "";
let user = null;
let page = 1;

async function call(method, path, body) {
  const headers = { "X-CSRF-Token": csrf };
  if (body) headers["Content-Type"] = "application/json";
  const answer = await fetch(`/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  const told = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(told.error.message), { status: answer.status });
  return told;
}

function attempt(work) {
  return async (event) => {
    event?.preventDefault();
    show("problem", false);
    const button = event?.submitter;
    if (button) button.disabled = true;
    try {
      await work(event?.target);
    } catch (error) {
      at("problem").textContent = error.message;
      show("problem");
    } finally {
      if (button) button.disabled = false;
    }
  };
}

const filled = (form) => Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));

async function enter(session) {
  csrf = session.csrfToken;
  user = session.user;
  show("setup", false);
  show("signin", false);
  show("studio");
  show("leave");
  await Promise.all([welcome(), stories(), keys(), jobs()]);
}

async function welcome() {
  const { balance } = await call("GET", "/credits?limit=1");
  at("who").textContent = `${user.email} · ${balance} credits`;
}

async function stories(next = 1) {
  page = next;
  const told = await call("GET", `/stories?page=${page}&limit=12`);
  if (page === 1) at("stories").replaceChildren();
  at("stories").append(...(await Promise.all(told.data.map(card))));
  if (page === 1 && !told.data.length) at("stories").append(make("p", { class: "dim" }, "Nothing yet. The first one is a sentence away."));
  show("more", page < told.pagination.totalPages);
}

async function card(story) {
  const clips = (await call("GET", `/stories/${story.id}/clips`)).data;
  const still = clips.find((clip) => clip.imageUrl)?.imageUrl;
  const picture = story.videoUrl
    ? make("video", { class: "picture", controls: "", preload: "none", src: local(story.videoUrl), ...(still && { poster: local(still) }) })
    : make("img", { class: "picture", alt: "", ...(still && { src: local(still) }) });
  const seconds = story.durationSeconds ? ` · ${Math.round(story.durationSeconds)} s` : "";
  const remove = make("button", { class: "quiet" }, "Delete");
  const box = make("article", { class: "card story" }, picture, make("div", { class: "text" },
    make("h3", {}, story.title),
    make("p", { class: "dim" }, `${story.status.replaceAll("_", " ")}${seconds} · ${new Date(story.createdAt).toLocaleString()}`),
    remove));
  remove.onclick = attempt(async () => {
    if (!confirm(`Delete “${story.title}” and its files?`)) return;
    await call("DELETE", `/stories/${story.id}`);
    box.remove();
  });
  return box;
}

const pending = () => JSON.parse(sessionStorage.getItem("jobs") ?? "[]");
const remember = (ids) => sessionStorage.setItem("jobs", JSON.stringify(ids));

async function jobs() {
  const told = await Promise.all(pending().map((id) => call("GET", `/stories/jobs/${id}`).catch(() => null)));
  const busy = told.filter((job) => job && !["completed", "failed"].includes(job.status));
  const failed = told.filter((job) => job?.status === "failed" && job.errorCode !== "cancelled");
  at("jobs").replaceChildren(...busy.map(working), ...failed.map((job) => make("article", { class: "card" }, make("p", { class: "bad" }, job.error))));
  const ended = told.length - busy.length;
  remember(busy.map((job) => job.jobId));
  if (ended) await Promise.all([stories(), welcome()]);
  if (busy.length) setTimeout(attempt(jobs), POLL);
}

function working(job) {
  const stop = make("button", { class: "quiet" }, "Cancel");
  stop.onclick = attempt(async () => { await call("POST", `/stories/jobs/${job.jobId}/cancel`); await jobs(); });
  const place = job.queuePosition ? `number ${job.queuePosition} in line` : job.stage ?? job.status.replaceAll("_", " ");
  const left = job.etaSeconds ? ` · about ${Math.ceil(job.etaSeconds)} s left` : "";
  return make("article", { class: "card" }, make("p", {}, `${place}${left}`), make("progress", { max: 100, value: job.progress }), stop);
}

async function keys() {
  const { data } = await call("GET", "/api-keys");
  at("keys").replaceChildren(...data.filter((key) => !key.revokedAt).map((key) => {
    const revoke = make("button", { class: "quiet" }, "Revoke");
    revoke.onclick = attempt(async () => {
      if (confirm(`Revoke “${key.name}”? Programs that use it stop working.`)) { await call("DELETE", `/api-keys/${key.id}`); await keys(); }
    });
    return make("tr", {}, make("td", {}, key.name), make("td", {}, make("code", {}, `${key.keyPrefix}…`)), make("td", { class: "dim" }, key.scopes.join(", ")), make("td", {}, revoke));
  }));
}

at("setup").querySelector("form").onsubmit = attempt(async (form) => enter(await call("POST", "/setup", filled(form))));
at("signin").querySelector("form").onsubmit = attempt(async (form) => enter(await call("POST", "/session", filled(form))));
at("generate").onsubmit = attempt(async (form) => {
  const asked = { ...filled(form), renderVideo: true };
  if (asked.targetSeconds) asked.targetSeconds = Number(asked.targetSeconds);
  const { jobId } = await call("POST", "/stories/generate", asked);
  remember([...pending(), jobId]);
  form.elements.prompt.value = "";
  await Promise.all([jobs(), welcome()]);
});
at("addkey").onsubmit = attempt(async (form) => {
  const made = await call("POST", "/api-keys", filled(form));
  at("newkey").textContent = `${made.key}\n\nThis is the only time that it is shown.`;
  show("newkey");
  form.reset();
  await keys();
});
at("more").onclick = attempt(() => stories(page + 1));
at("leave").onclick = attempt(async () => { await call("DELETE", "/session"); location.reload(); });

attempt(async () => {
  if (document.body.dataset.setup === "yes") return show("setup");
  try {
    await enter(await call("GET", "/session"));
  } catch (error) {
    if (error.status !== 401) throw error;
    show("signin");
  }
})();
