// The list of stories: what is being made on top, then what there is, newest first.
import { bar, ended, headline, left, recentJobs } from "/web/jobs.js";
import { ask, at, attempt, call, complain, FORMATS, lasting, local, make, show, when } from "/web/page.js";

const POLL = 4000;
const PER_PAGE = 12;
let making = new Set(); // stories that are shown as work, not as films
const DISMISSED = "reelhouse.dismissed";

export async function showStories({ signal }) {
  at("more").onclick = attempt(() => page(Number(at("more").dataset.next), signal));
  await busy(signal);
  await page(1, signal);
}

async function page(number, signal) {
  const told = await call("GET", `/stories?page=${number}&limit=${PER_PAGE}`);
  const stories = told.data.filter((story) => !making.has(story.id));
  const pictures = await Promise.all(stories.map(firstStill));
  if (signal.aborted) return;
  if (number === 1) at("shelf").replaceChildren();
  at("shelf").append(...stories.map((story, place) => card(story, pictures[place])));
  show("nothing", number === 1 && !stories.length && !at("busy").children.length);
  at("more").dataset.next = number + 1;
  show("more", number < told.pagination.totalPages);
}

async function firstStill(story) {
  const { data } = await call("GET", `/stories/${story.id}/clips`).catch(() => ({ data: [] }));
  return data.find((clip) => clip.imageUrl)?.imageUrl;
}

const STATES = { completed: "", failed: "not finished" };

function card(story, still) {
  const state = STATES[story.status] ?? "being made";
  const told = [FORMATS[story.contentType], story.status === "completed" && lasting(story.durationSeconds), when(story.createdAt)];
  const box = make("article", { class: "story" },
    make("a", { href: `#/story/${story.id}`, class: "picture" },
      still ? make("img", { src: local(still), alt: "", loading: "lazy" }) : make("span", { class: "dim" }, "No picture yet"),
      state && make("span", { class: `badge ${story.status}` }, state),
      make("h3", {}, story.title)),
    make("div", { class: "row" },
      make("p", { class: "dim" }, told.filter(Boolean).join(" · ")),
      state !== "being made" && make("button", { class: "quiet", "aria-label": `Delete “${story.title}”`, onclick: attempt(async () => {
        if (await remove(story)) box.remove();
        show("nothing", !at("shelf").children.length && !at("busy").children.length);
      }) }, "Delete")));
  return box;
}

// Whether it was deleted.
export async function remove(story) {
  const told = "The film, its pictures, voices and script are deleted from this server. The credits stay spent.";
  if (!await ask(`Delete “${story.title}”?`, told, "Delete it", { danger: true })) return false;
  await call("DELETE", `/stories/${story.id}`);
  return true;
}

// ---- what is being made ---------------------------------------------------------------------------------------------

const dismissed = () => JSON.parse(localStorage.getItem(DISMISSED) ?? "[]");

async function busy(signal, before = 0) {
  const jobs = await recentJobs();
  if (signal.aborted) return;
  const retried = new Set(jobs.map((job) => job.retryOf));
  const gone = dismissed();
  // One that failed before it had a story is nowhere else to be seen.
  const lost = jobs.filter((job) => job.status === "failed" && !job.storyId && job.errorCode !== "cancelled" && !retried.has(job.jobId) && !gone.includes(job.jobId));
  const running = jobs.filter((job) => !ended(job));
  const titles = await Promise.all(running.map(async (job) => (job.storyId ? (await call("GET", `/stories/${job.storyId}`)).title : "A new story")));
  if (signal.aborted) return;
  making = new Set(running.map((job) => job.storyId));
  at("busy").replaceChildren(...running.map((job, place) => working(job, titles[place])), ...lost.map(failed));
  if (running.length || lost.length) show("nothing", false);
  if (running.length < before) await page(1, signal);
  if (running.length) setTimeout(() => signal.aborted || busy(signal, running.length).catch(complain), POLL);
}

function working(job, title) {
  return make("a", { class: "card job", href: `#/job/${job.jobId}` },
    make("span", { class: "row" }, make("b", {}, title), make("span", { class: "dim" }, [headline(job), left(job)].filter(Boolean).join(" · "))), bar(job));
}

function failed(job) {
  return make("article", { class: "card" },
    make("p", { class: "bad" }, job.error),
    make("p", { class: "row" },
      make("a", { href: `#/job/${job.jobId}` }, "See it, or try again"),
      make("button", { class: "quiet", onclick: (event) => {
        localStorage.setItem(DISMISSED, JSON.stringify([...dismissed(), job.jobId].slice(-100)));
        event.target.closest("article").remove();
      } }, "Dismiss")));
}
