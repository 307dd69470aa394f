// Puts the page together and keeps it up to date.

import { make } from "./dom.js";
import { get, post } from "./net.js";
import { Pane } from "./panes.js";
import { Phone } from "./phone.js";
import { current, say, speak, STEP_OF, STEPS } from "./words.js";

const byId = (id) => document.getElementById(id);
const state = { version: 0, session: "", phones: [], panes: [], zone: "UTC", ahead: 0, story: "report", next: null, read: new Map(), heard: new Map(), met: "" };
let listening = new AbortController();

async function start() {
  speak(remembered() ?? (navigator.language.startsWith("zh") ? "zh" : "en"));
  const { people, zone } = await get("people");
  state.zone = zone;
  state.phones = ["staff", "engineer", "supervisor"].map((role) => new Phone(role, people, zone, restart));
  state.panes = ["mail", "sms"].map((kind) => new Pane(kind, zone));
  byId("phones").append(...state.phones.map((phone) => phone.element));
  byId("panes").append(...state.panes.map((pane) => pane.element));
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => changeLanguage(button.dataset.language));
  }
  for (const button of document.querySelectorAll(".forward button")) {
    button.addEventListener("click", () => moveOn(button));
  }
  relabel();
  window.addEventListener("unhandledrejection", ({ reason }) =>
    state.phones[0].toast(say("failed") + reason.message));
  setInterval(tick, 500);
  await listen();
}

// Time and story

function tick() {
  const now = new Date(Date.now() + state.ahead);
  const format = (options) => new Intl.DateTimeFormat(current(), { timeZone: state.zone, ...options });
  byId("time").textContent = format({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(now);
  byId("day").textContent = format({ year: "numeric", month: "long", day: "numeric", weekday: "long" }).format(now);
  byId("next").textContent = state.next === null ? say("none") : format({
    ...(state.next - now.getTime() / 1000 > 64_800 ? { month: "numeric", day: "numeric" } : {}),
    hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  }).format(new Date(state.next * 1000));
}

async function moveOn(button) {
  const { minutes, to } = button.dataset;
  const clock = byId("clock");
  for (const each of clock.querySelectorAll("button")) each.disabled = true;
  clock.classList.add("moving");
  button.classList.add("pressed");
  try {
    await post("time", to ? { to } : { minutes: Number(minutes) });
  } finally {
    for (const each of clock.querySelectorAll("button")) each.disabled = false;
    clock.classList.remove("moving");
    button.classList.remove("pressed");
  }
}

function drawStory() {
  const at = state.story === "end" ? STEPS.length : STEPS.indexOf(STEP_OF[state.story] ?? state.story);
  byId("steps").replaceChildren(...STEPS.map((step, index) => make(
    `li${index < at ? ".past" : index === at ? ".now" : ""}`,
    { "data-step": step, ...(index === at ? { "aria-current": "step" } : {}) },
    make("i", {}, index < at ? "✓" : String(index + 1)), make("span", {}, say(`step_${step}`)))));
  byId("hint").textContent = say(`hint_${state.story}`);
}

// Language

const remembered = () => localStorage.getItem("paidan-language");

async function changeLanguage(language) {
  localStorage.setItem("paidan-language", language);
  speak(language);
  relabel();
  await post("language", { language });
}

function relabel() {
  for (const button of document.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === current()));
  }
  for (const part of [...state.phones, ...state.panes]) part.relabel();
  drawStory();
  tick();
}

// News

/** Somebody else took a telephone: ask for everything at once. */
function restart() {
  state.session = "";
  listening.abort();
}

async function listen() {
  for (;;) {
    listening = new AbortController();
    try {
      await hear(listening.signal);
      byId("offline").hidden = true;
    } catch (error) {
      if (error.name === "AbortError") continue;
      byId("offline").hidden = false;
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function hear(signal) {
  const phones = state.phones.map((phone) => phone.id);
  const query = `since=${state.version}&session=${state.session}&phones=${phones.join(",")}`;
  const response = await fetch(`/trial/api/events?${query}`, { signal, cache: "no-store" });
  if (response.status !== 200) throw new Error(String(response.status));
  const news = await response.json();
  const [fresh, before] = [news.session !== state.session, state.version];
  Object.assign(state, { version: news.version, session: news.session, story: news.story, next: news.next });
  state.ahead = news.now * 1000 - Date.now();
  for (const phone of state.phones) {
    if (news.phones[phone.id]) phone.update(news.phones[phone.id], fresh, before);
  }
  if (fresh) await greet(news);
  listenForRings(news.loud, news.session !== state.met);
  state.met = news.session;
  drawStory();
  tick();
}

/** A desk that this page has not spoken to before does not know the reader's language. */
async function greet({ session }) {
  if (sessionStorage.getItem("paidan-session") === session) return;
  sessionStorage.setItem("paidan-session", session);
  await post("language", { language: current() });
}

/** Whose telephone rang, of those that nobody is looking at? What rang before we came is old. */
function listenForRings(loud, justCame) {
  const shown = new Set(state.phones.map((phone) => phone.id));
  for (const [key, messages] of Object.entries(loud)) {
    const id = Number(key);
    const last = messages.at(-1) ?? 0;
    if (justCame || shown.has(id)) state.read.set(id, last);
    const rang = !justCame && !shown.has(id) && last > (state.heard.get(id) ?? 0);
    state.heard.set(id, last);
    const unread = messages.filter((each) => each > (state.read.get(id) ?? 0)).length;
    for (const phone of state.phones) phone.count(id, unread, rang);
  }
  for (const phone of state.phones) phone.answerRings();
}

start();
