// The shots of a story: each with its picture and line, and one of them changed, added or taken out. What is made
// again, and what it costs, is said before.
import { ask, at, attempt, call, lasting, local, make, many, words } from "/web/page.js";

const CAMERA = ["hold", "push_in", "pull_out", "pan_left", "pan_right", "tilt_up", "tilt_down"];
const drawn = new Map(); // by shot: what it was drawn from, so that a clip that plays is left alone

export function showShots(story, shots, editable) {
  const list = at("shots");
  if (list.dataset.story !== story.id || !list.children.length) { drawn.clear(); list.replaceChildren(); }
  list.dataset.story = story.id;
  const [wide, high] = story.aspectRatio.split(":").map(Number);
  list.classList.toggle("tall", high > wide);
  const ids = new Set(shots.map((shot) => shot.id));
  for (const old of [...list.children]) if (!ids.has(old.dataset.shot)) old.remove();
  shots.forEach((shot, place) => {
    const from = JSON.stringify([shot, editable]);
    let box = [...list.children].find((one) => one.dataset.shot === shot.id);
    if (drawn.get(shot.id) !== from) {
      const fresh = card(story, shot, shots.length, editable);
      box?.replaceWith(fresh);
      box = fresh;
    }
    drawn.set(shot.id, from);
    if (list.children[place] !== box) list.insertBefore(box, list.children[place] ?? null);
  });
}

// The still; pressed, it plays.
function picture(shot) {
  const still = shot.imageUrl && make("img", { src: local(shot.imageUrl), alt: shot.visual });
  if (!shot.videoUrl) return still || make("div", { class: "empty dim" }, shot.status === "generating" ? "Being made" : "To come");
  const play = make("button", { class: "play", "aria-label": `Play shot ${shot.order + 1}`, onclick: () => {
    const video = make("video", { controls: true, playsinline: true, autoplay: true, src: local(shot.videoUrl), "aria-label": `Shot ${shot.order + 1}` });
    play.replaceWith(video);
    video.focus();
  } }, still ?? "");
  return play;
}

function card(story, shot, count, editable) {
  const box = make("li", { class: "shot", "data-shot": shot.id }, make("div", { class: `frame a${story.aspectRatio.replace(":", "x")}` }, picture(shot)));
  const text = make("div", { class: "text" });
  const opened = () => text.querySelector("form");
  const edit = editable && make("button", { class: "quiet push", "aria-label": `Edit shot ${shot.order + 1}`, onclick: () => {
    if (opened()) return opened().remove();
    text.append(editor(story, shot, count));
    opened().elements[0].focus();
  } }, "Edit");
  text.append(
    make("div", { class: "row" }, make("p", { class: "dim" }, [`${shot.order + 1}`, shot.duration ? `${shot.duration.toFixed(1)} s` : "", words(shot.beat), shot.speaker ?? ""].filter(Boolean).join(" · ")), edit || ""),
    make("p", { class: "line" }, shot.narration || make("i", { class: "dim" }, "Nothing is said.")));
  box.append(text);
  return box;
}

function editor(story, shot, count) {
  const path = `/stories/${story.id}/shots`;
  const visual = make("textarea", { name: "visual", maxlength: 1000, rows: 3 });
  const narration = make("textarea", { name: "narration", rows: 3 });
  [narration.value, visual.value] = [shot.narration, shot.visual];
  const camera = make("select", { name: "camera" }, ...CAMERA.map((move) => make("option", { value: move, selected: move === shot.camera }, words(move))));
  if (!shot.camera) camera.prepend(make("option", { value: "", selected: true }, "as the format has it"));
  const told = () => ({ narration: narration.value, visual: visual.value, ...(camera.value && { camera: camera.value }) });
  const form = make("form", { class: "bare" },
    make("label", {}, "Line that is spoken", narration), make("label", {}, "What is seen", visual), make("label", {}, "Camera", camera),
    make("p", { class: "row" },
      make("button", {}, "Change…"),
      make("button", { type: "button", class: "quiet", onclick: attempt(() => remake("Add a shot after this one?", "Add it",
        (dry) => call("POST", `${path}?dryRun=${dry}`, { ...told(), after: shot.id }))) }, "Add as a new shot…"),
      count > 1 && make("button", { type: "button", class: "quiet", onclick: attempt(() => remake("Take this shot out?", "Take it out",
        (dry) => call("DELETE", `${path}/${shot.id}?dryRun=${dry}`))) }, "Take out…")));
  form.onsubmit = attempt(() => remake("Make this shot again?", "Make it",
    (dry) => call("PATCH", `${path}/${shot.id}?dryRun=${dry}`, changes(shot, told()))));
  return form;
}

const changes = (shot, told) => Object.fromEntries(Object.entries(told).filter(([name, value]) => value !== (shot[name] ?? "")));

async function remake(title, verb, edit) {
  const told = await edit(true);
  const stages = Object.entries(told.stages).filter(([, seconds]) => seconds > 0);
  const whole = stages.reduce((sum, [, seconds]) => sum + seconds, 0);
  const table = make("table", {}, ...stages.map(([stage, seconds]) => make("tr", {}, make("td", {}, stage), make("td", { class: "number" }, lasting(seconds)))));
  const yes = await ask(title, [
    told.shots.length ? `Made again: ${many(told.shots.length, "shot")} and the cut. Everything else stays as it is.` : "Only the cut is made again.",
    table, make("p", {}, "About ", make("b", {}, lasting(whole)), ", costs ", make("b", {}, many(told.credits, "credit")), ".")], verb);
  if (!yes) return;
  const { jobId } = await edit(false);
  location.hash = `#/job/${jobId}`;
}
