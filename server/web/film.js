// One story: the job that works on it, the film, its shots, and what can be done with them. Knows one story at a time.
import { bar, ended, findJob, follow, headline, left, recentJobs, steps } from "/web/jobs.js";
import { at, attempt, call, complain, FORMATS, lasting, local, make, many, show, when } from "/web/page.js";
import { showShots } from "/web/shots.js";
import { remove } from "/web/stories.js";

export async function showFilm({ kind, id, signal }) {
  for (const part of ["making", "player", "about", "shots"]) at(part).replaceChildren();
  at("filmtitle").textContent = "";
  const job = kind === "job" ? await findJob(id) : await jobOf(id);
  const room = { storyId: kind === "story" ? id : job.storyId, signal, watching: false };
  if (kind === "story" && !job) await showStory(room, null);
  else if (ended(job)) await update(room, job);
  else await follow(job.jobId, (now) => update(room, now).catch(complain), signal);
}

// The latest job of a story, if it is a recent one.
const jobOf = async (storyId) => (await recentJobs()).find((job) => job.storyId === storyId);

async function update(room, job) {
  room.storyId = job.storyId ?? room.storyId;
  const clips = room.storyId ? (await call("GET", `/stories/${room.storyId}/clips`)).data : [];
  if (room.signal.aborted) return;
  making(room, job, clips);
  if (room.storyId) await showStory(room, job);
  else at("filmtitle").textContent = ended(job) ? headline(job) : "A new story";
}

function making(room, job, clips) {
  const told = make("div", { class: "card" });
  const go = async (path) => {
    const { jobId } = await call("POST", path);
    location.hash = `#/job/${jobId}`;
  };
  if (ended(job)) {
    if (job.status === "failed") told.append(
      make("p", { class: job.errorCode === "cancelled" ? "" : "bad" }, job.error ?? headline(job)),
      make("p", { class: "row" },
        make("span", { class: "dim" }, "Its credits were given back. Whatever is finished is used again."),
        make("button", { onclick: attempt(() => go(`/stories/jobs/${job.jobId}/retry`)) }, "Try again")));
  } else told.append(
    make("p", { class: "row" }, make("b", { role: "status" }, headline(job)), make("span", { class: "dim" }, left(job)),
      make("span", { class: "push" }, `${job.progress} %`),
      make("button", { class: "quiet", onclick: attempt(async () => {
        await call("POST", `/stories/jobs/${job.jobId}/cancel`);
        await update(room, await findJob(job.jobId));
      }) }, "Cancel")),
    bar(job), steps(job, clips));
  if (job.attempt > 1 && !ended(job)) told.append(make("p", { class: "dim" }, `Attempt ${job.attempt}: the one before was broken off.`));
  if (job.warnings.length) told.append(make("details", {}, make("summary", {}, many(job.warnings.length, "note")),
    make("ul", { class: "dim" }, ...job.warnings.map((one) => make("li", {}, one)))));
  keepFocus(at("making"), told.children.length ? [told] : []);
}

// A part that is drawn anew keeps the button that somebody is about to press.
function keepFocus(part, children) {
  const held = part.contains(document.activeElement) ? document.activeElement.textContent : null;
  const open = part.querySelector("details")?.open;
  part.replaceChildren(...children);
  if (open && part.querySelector("details")) part.querySelector("details").open = true;
  if (held) [...part.querySelectorAll("button")].find((one) => one.textContent === held)?.focus();
}

async function showStory(room, job) {
  const [story, { data: shots }] = await Promise.all([
    call("GET", `/stories/${room.storyId}`), call("GET", `/stories/${room.storyId}/shots`)]);
  if (room.signal.aborted) return;
  at("filmtitle").textContent = story.title;
  document.title = `${story.title} · Reelhouse`;
  const done = story.status === "completed";
  if (!done) at("player").replaceChildren();
  else if (room.watching !== story.videoUrl) player(story, shots);
  room.watching = done && story.videoUrl;
  about(story, shots, job);
  showShots(story, shots, done || story.status === "failed");
}

function player(story, shots) {
  if (!story.videoUrl) return at("player").replaceChildren();
  const still = shots.find((shot) => shot.imageUrl)?.imageUrl;
  const video = make("video", { controls: true, playsinline: true, preload: "metadata", src: local(story.videoUrl), poster: local(still), "aria-label": story.title });
  if (shots.some((shot) => shot.narration))
    video.append(make("track", { kind: "captions", src: `/api/v1/stories/${story.id}/captions.vtt`, srclang: story.locale, label: "Captions" }));
  video.onerror = () => complain(new Error("The browser cannot play the film: download it instead."));
  at("player").replaceChildren(video);
}

function about(story, shots, job) {
  const file = (story.title.replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "film").slice(0, 80);
  const done = story.status === "completed";
  const download = (href, name, ending) => make("a", { href, download: `${file}.${ending}` }, name);
  const spoken = done && shots.some((shot) => shot.narration);
  const told = [FORMATS[story.contentType], story.aspectRatio, done && lasting(story.durationSeconds), many(story.counts.clips, "shot"), when(story.createdAt)];
  at("about").replaceChildren(
    make("p", { class: "dim" }, told.filter(Boolean).join(" · ")),
    make("p", { class: "prompt" }, story.prompt),
    make("p", { class: "row links" },
      done && story.videoUrl && download(local(story.videoUrl), "Film (MP4)", "mp4"),
      spoken && download(`/api/v1/stories/${story.id}/captions.srt`, "Captions (SRT)", "srt"),
      spoken && download(`/api/v1/stories/${story.id}/captions.vtt`, "Captions (VTT)", "vtt"),
      spoken && download(`/api/v1/stories/${story.id}/transcript.txt`, "Transcript", "txt"),
      download(`/api/v1/stories/${story.id}/script`, "Script (JSON)", "json"),
      (!job || ended(job)) && make("button", { class: "quiet push", onclick: attempt(async () => {
        if (await remove(story)) location.hash = "#/";
      }) }, "Delete")));
  show("about");
}
