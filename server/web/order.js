// The form for a new story: what can be chosen, what it would take, and the order itself.
import { at, attempt, call, FORMATS, filled, lasting, make, many, show } from "/web/page.js";

const SETTLED = 500; // ms without a key pressed, before the plan is asked for
const ABOUT = {
  cinematic_story: "Acts, characters and dialogue; a slow camera.",
  news_analysis: "Claim, evidence, counterpoint, outlook. Says only what you supply.",
  music_video: "Cut on the beat; lyrics as captions, nobody narrates.",
  persona_channel: "One host, in the first person, to the camera.",
  youtube_clone: "A hook, chapters with cards, a recap.",
  ad_spot: "Benefit, proof, call to action. 15 or 30 s exactly.",
};
const ASPECTS = ["16:9", "9:16", "1:1", "4:3", "3:4", "4:5", "21:9"];

const form = at("order");
let profiles = [];
let voices = [];
let timer = 0;
let asked = 0; // the number of the latest plan: an answer to an earlier one is thrown away
let key = null; // the same for an order that is sent again because no answer came

export async function startOrders() {
  const asked = [call("GET", "/profiles"), call("GET", "/voices"), call("GET", "/series")];
  let series;
  [profiles, voices, series] = (await Promise.all(asked)).map((told) => told.data);
  if (!at("formats").children.length) {
    at("formats").append(...Object.entries(FORMATS).map(([value, name], number) => make("label", { class: "choice" },
      make("input", { type: "radio", name: "contentType", value, checked: number === 0 }), make("b", {}, name), make("span", {}, ABOUT[value]))));
    at("aspects").append(...ASPECTS.map((value, number) => make("label", { class: "chip" },
      make("input", { type: "radio", name: "aspectRatio", value, checked: number === 0 }),
      make("i", { class: `shape a${value.replace(":", "x")}` }), value)));
    const usual = profiles.find((one) => one.default);
    options(form.profile, [["", `${usual.name} (this server's)`], ...profiles.filter((one) => one.ready && !one.default).map((one) => [one.name, one.name])]);
  }
  options(form.seriesId, [["", "None: new characters"], ...series.map((one) => [one.id, one.title])]);
  show("seriesfield", series.length > 0);
  offerVoices();
  await plan();
}

const options = (select, pairs) => select.replaceChildren(...pairs.map(([value, name]) => make("option", { value }, name)));

// Voices and languages are those of the profile's narrator.
function offerVoices() {
  const profile = profiles.find((one) => (form.profile.value ? one.name === form.profile.value : one.default));
  const spoken = voices.filter((one) => one.model === profile?.models.narrator);
  const named = new Intl.DisplayNames(["en"], { type: "language" });
  const locales = [...new Set(spoken.flatMap((one) => one.locales))];
  const [voice, locale] = [form.voice.value, form.locale.value];
  options(form.voice, [["", "One that suits the format"], ...spoken.map((one) => [one.name, one.name])]);
  options(form.locale, (locales.length ? locales : ["en"]).map((one) => [one, named.of(one)]));
  if (spoken.some((one) => one.name === voice)) form.voice.value = voice;
  form.locale.value = locales.includes(locale) ? locale : locales.includes("en") ? "en" : locales[0] ?? "en";
}

function offerLengths() {
  const spot = filled(form).contentType === "ad_spot";
  for (const one of form.targetSeconds.options) one.disabled = one.hidden = spot && !["", "15", "30"].includes(one.value);
  if (form.targetSeconds.selectedOptions[0]?.disabled) form.targetSeconds.value = "";
}

function order() {
  const told = { ...filled(form), renderVideo: true, music: form.music.checked };
  for (const name of ["targetSeconds", "seed"]) if (told[name]) told[name] = Number(told[name]);
  return told;
}

// ---- what it would take ---------------------------------------------------------------------------------------------

async function plan() {
  const number = ++asked;
  at("planned").classList.remove("bad");
  if (!form.prompt.value.trim()) {
    show("how", false);
    at("planned").textContent = "Say what it is about, and see what it would take before anything is spent.";
    return;
  }
  try {
    const [told, credits] = await Promise.all([call("POST", "/stories/plan", order()), call("GET", "/credits?limit=1")]);
    if (number === asked) tell(told, credits.balance);
  } catch (error) {
    if (number !== asked) return;
    show("how", false);
    at("planned").classList.add("bad");
    at("planned").textContent = error.message;
  }
}

function tell(told, balance) {
  const missing = Object.values(told.models).filter((model) => !model.ready).map((model) => model.id);
  at("planned").replaceChildren(
    make("b", {}, `${lasting(told.seconds)} of film in ${many(told.shots.length, "shot")}`), ` · ${told.width}×${told.height} · takes `,
    make("b", {}, told.totalSeconds === null ? "nobody knows how long" : `about ${lasting(told.totalSeconds)}`), " here · costs ", make("b", {}, many(told.credits, "credit")), ` of your ${balance}`);
  if (told.credits > balance) at("planned").append(make("span", { class: "bad" }, " — too few: ask an admin for more"));
  if (missing.length) at("planned").append(make("span", { class: "bad" }, ` — not installed: ${missing.join(", ")}`));
  const stages = Object.entries(told.stageSeconds).filter(([, seconds]) => seconds > 0);
  at("howtold").replaceChildren(
    make("table", {}, ...stages.map(([stage, seconds]) => make("tr", {}, make("td", {}, stage), make("td", { class: "number" }, lasting(seconds))))),
    make("p", { class: "dim" }, `Memory ${told.memoryGb.toFixed(1)} GB${told.vramGb ? `, of the GPU ${told.vramGb.toFixed(1)} GB` : ""} · disk ${Math.ceil(told.diskBytes / 1e6)} MB`),
    make("ul", { class: "dim" }, ...told.decisions.map((one) => make("li", {}, one))));
  show("how");
}

form.oninput = (event) => {
  key = null;
  if (event.target.name === "profile") offerVoices();
  if (event.target.name === "contentType") offerLengths();
  clearTimeout(timer);
  timer = setTimeout(plan, SETTLED);
};

form.onsubmit = attempt(async () => {
  // No randomUUID: it is there under https only. The key keeps a second click from paying for a second film.
  key ??= Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
  try {
    const { jobId } = await call("POST", "/stories/generate", order(), { "Idempotency-Key": key });
    form.prompt.value = "";
    form.title.value = "";
    key = null;
    plan();
    location.hash = `#/job/${jobId}`;
  } catch (error) {
    if (error.status) key = null;
    throw error;
  }
});
