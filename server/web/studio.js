// The studio's door and corridors: set-up, sign-in, and which room the address names. Knows no story.
import { showAccount } from "/web/account.js";
import { showFilm } from "/web/film.js";
import { startOrders } from "/web/order.js";
import { at, attempt, call, complain, filled, session, show } from "/web/page.js";
import { showStories } from "/web/stories.js";

const ROOMS = { stories: showStories, story: showFilm, job: showFilm, account: showAccount };
const VIEWS = { stories: "stories", story: "film", job: "film", account: "account" };
let leaving = new AbortController();

function knock(door) {
  show(door);
  at(door).querySelector("input").focus();
}

async function enter(told) {
  session.csrf = told.csrfToken;
  session.user = told.user;
  at("who").textContent = told.user.email;
  for (const id of ["setup", "signin"]) show(id, false);
  show("rooms");
  await startOrders();
  await go();
}

// `#/story/ID`, `#/job/ID`, `#/account`; else the list of stories.
async function go() {
  if (!session.user) return;
  leaving.abort();
  leaving = new AbortController();
  show("problem", false);
  const [, name = "", id = ""] = location.hash.split("/");
  const room = ROOMS[name] ? name : "stories";
  for (const view of new Set(Object.values(VIEWS))) show(view, view === VIEWS[room]);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === (room === "account" ? "#/account" : "#/")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = { account: "Account · Reelhouse" }[room] ?? "Reelhouse";
  await ROOMS[room]({ kind: room, id, signal: leaving.signal });
}

addEventListener("hashchange", () => {
  scrollTo(0, 0);
  go().then(() => document.querySelector("#rooms > :not([hidden]) h2")?.focus()).catch(complain);
});

document.addEventListener("ended", () => {
  leaving.abort();
  session.user = null;
  show("rooms", false);
  knock("signin");
});

at("setup").querySelector("form").onsubmit = attempt(async (form) => enter(await call("POST", "/setup", filled(form))));
at("signin").querySelector("form").onsubmit = attempt(async (form) => {
  const told = await call("POST", "/session", filled(form));
  form.reset();
  await enter(told);
});
at("leave").onclick = attempt(async () => {
  await call("DELETE", "/session");
  location.hash = "";
  location.reload();
});

attempt(async () => {
  if (document.body.dataset.setup === "yes") return knock("setup");
  if (document.body.dataset.session === "no") return knock("signin");
  await enter(await call("GET", "/session"));
})();
