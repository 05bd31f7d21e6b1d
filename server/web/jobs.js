// The jobs of this person, and one job as it goes on. Knows how a job is told, not what the page around it shows.
import { call, lasting, make, many } from "/web/page.js";

export const ended = (job) => ["completed", "failed"].includes(job.status);

const RECENT = 30;
const POLL = 3000;
const kept = new Map(); // what has ended stays as it is

// The latest jobs, newest first. The ledger names every job that was paid for, so a job that runs is found again
// after a reload, in another browser too, and before it has a story.
export async function recentJobs() {
  const { data } = await call("GET", `/credits?limit=${RECENT}`);
  const ids = [...new Set(data.map((entry) => entry.jobId).filter(Boolean))];
  const jobs = await Promise.all(ids.map((id) => findJob(id).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  })));
  return jobs.filter(Boolean).sort((one, other) => other.createdAt.localeCompare(one.createdAt));
}

export async function findJob(id) {
  const job = kept.get(id) ?? await call("GET", `/stories/jobs/${id}`);
  if (ended(job)) kept.set(id, job);
  return job;
}

// Calls `tell(job)` now and at every change until the job has ended, or `signal` is aborted. What is made is told by
// events; how far a stage is only by the job itself, which is asked for every few seconds.
export function follow(id, tell, signal) {
  let asking = false;
  let again = false;
  const events = new EventSource(`/api/v1/stories/jobs/${id}/events`);
  const timer = setInterval(refresh, POLL);
  const stop = () => { events.close(); clearInterval(timer); };

  async function refresh() {
    if (asking) { again = true; return; }
    asking = true;
    again = false;
    try {
      const job = await findJob(id);
      if (signal.aborted) return;
      if (ended(job)) stop();
      await tell(job);
    } catch (error) {
      if ([401, 404].includes(error.status)) stop(); // else: asked again in a moment
    } finally {
      asking = false;
      if (again && !signal.aborted) setTimeout(refresh, 500);
    }
  }

  for (const kind of ["status", "stage", "clip", "warning", "done"]) events.addEventListener(kind, refresh);
  events.onerror = () => { if (events.readyState === EventSource.CLOSED) events.close(); };
  signal.addEventListener("abort", stop);
  return refresh();
}

// ---- one job for the eye --------------------------------------------------------------------------------------------

const STEPS = [
  ["Script", ["plan", "script"]], ["Voices", ["voices"]], ["Stills", ["stills"]],
  ["Clips", ["clips", "segments"]], ["Film", ["film", "review"]],
];

export function headline(job) {
  if (job.status === "completed") return "Finished";
  if (job.errorCode === "cancelled") return "Cancelled";
  if (job.status === "failed") return "Failed";
  if (job.status === "queued") return job.queuePosition > 1 ? `Number ${job.queuePosition} in line` : "Next in line";
  const step = STEPS.find(([, stages]) => stages.includes(job.stage));
  return { Script: "Writing the script", Voices: "Speaking the lines", Stills: "Painting the stills", Clips: "Moving the pictures", Film: "Cutting the film" }[step?.[0]] ?? "Starting";
}

export const left = (job) => (job.etaSeconds && !ended(job) ? `about ${lasting(job.etaSeconds)} left` : "");

// Where the job is, step by step; `clips` as far as they are made.
export function steps(job, clips) {
  const now = STEPS.findIndex(([, stages]) => stages.includes(job.stage));
  const counts = { Voices: "audioUrl", Stills: "imageUrl", Clips: "videoUrl" };
  const shown = STEPS.filter(([name]) => name !== "Film" || job.renderVideo);
  return make("ol", { class: "steps" }, shown.map(([name], number) => {
    const state = job.status === "completed" || number < now ? "done" : number === now && job.status !== "queued" ? "now" : "later";
    const made = clips.filter((clip) => clip[counts[name]]).length;
    const count = counts[name] && made && state !== "later" ? `${made} of ${clips.length}` : "";
    const word = { done: "done", now: "now", later: "to come" }[state];
    return make("li", { class: state, "aria-current": state === "now" && "step" }, make("b", {}, name),
      make("span", {}, name === "Script" && clips.length ? many(clips.length, "shot") : count || word));
  }));
}

export function bar(job) {
  return make("progress", { max: 100, value: job.status === "queued" ? 0 : job.progress, "aria-label": "How far the film is" });
}
