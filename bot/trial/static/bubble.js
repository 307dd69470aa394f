// One message as a bubble, with what hangs under it.

import { icon, link, make, rich } from "./dom.js";
import { fileUrl } from "./net.js";
import { current, say } from "./words.js";

/** `on` holds what may happen: tap, reply, edit, command, jump. */
export function bubble(message, zone, on) {
  const body = make("div.bubble", {}, quote(message, on), picture(message), ...others(message));
  if (message.text) {
    body.append(make("div.text", {}, rich(message.text, message.entities, on.command)));
  }
  body.append(foot(message, zone), tools(message, on));
  const el = make(`article.message${message.mine ? ".mine" : ""}`, {}, body);
  el.dataset.id = message.id;
  if (message.buttons.length) el.append(keyboard(message, on));
  if (message.reactions.length) body.append(make("span.reactions", {}, message.reactions.join("")));
  return el;
}

function quote(message, on) {
  if (!message.reply) return null;
  const { id, name, text, kind } = message.reply;
  return make(
    "button.quote", { type: "button", onclick: () => on.jump(id) },
    make("b", {}, name), make("span", {}, text || say(`kind_${kind}`)),
  );
}

function picture(message) {
  if (!message.photo) return null;
  const { file, width, height } = message.photo;
  return make("img.photo", { src: fileUrl(file), width, height, alt: say("kind_photo"), loading: "lazy" });
}

function others(message) {
  if (message.voice) return [voice(message.voice)];
  if (message.location) return [place(message.location)];
  if (message.document) return [paper(message.document)];
  if (message.contact) {
    const { first_name: name, phone_number: phone } = message.contact;
    return [make("div.card", {}, make("b", {}, name), make("span", {}, phone))];
  }
  return [];
}

function voice({ file, seconds }) {
  const audio = make("audio", { src: fileUrl(file), preload: "none" });
  const button = make("button.play", { type: "button", "aria-label": say("kind_voice") }, icon("play"));
  const wave = make("span.wave", {});
  for (let bar = 0; bar < 26; bar += 1) {
    const stroke = make("i");
    stroke.style.height = `${5 + Math.abs(Math.sin(bar * 1.7) + Math.sin(bar * 0.6)) * 8}px`;
    wave.append(stroke);
  }
  button.addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
  audio.addEventListener("play", () => button.replaceChildren(icon("pause")));
  for (const end of ["pause", "ended"]) {
    audio.addEventListener(end, () => button.replaceChildren(icon("play")));
  }
  return make("div.voice", {}, button, wave, make("small", {}, `0:${String(seconds).padStart(2, "0")}`), audio);
}

function place({ latitude, longitude }) {
  const words = `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`;
  return make("div.place", {}, icon("place"), make("span", {}, say("kind_location"), make("small", {}, words)));
}

function paper({ name, size }) {
  const kilobytes = size < 2 ** 20 ? `${Math.ceil(size / 1024)} kB` : `${(size / 2 ** 20).toFixed(1)} MB`;
  return make("div.card", {}, icon("file"), make("b", {}, name), make("small", {}, kilobytes));
}

function foot(message, zone) {
  const time = new Intl.DateTimeFormat(current(), {
    hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone,
  }).format(new Date(message.date * 1000));
  return make(
    "footer", {},
    message.pinned && icon("pin"),
    message.silent && icon("mute"),
    message.edited && make("span", {}, say("edited")),
    make("time", {}, time),
  );
}

function tools(message, on) {
  const tool = (name, deed) =>
    make("button", { type: "button", title: say(name), "aria-label": say(name), onclick: deed }, icon(name));
  return make(
    "nav.tools", {},
    tool("reply", () => on.reply(message)),
    message.mine && message.text && tool("edit", () => on.edit(message)),
  );
}

function keyboard(message, on) {
  const rows = message.buttons.map((row) =>
    make("div.row", {}, ...row.map((button) => key(message, button, on))));
  return make("div.keyboard", {}, ...rows);
}

function key(message, button, on) {
  const style = button.style ? `.${button.style}` : "";
  if (button.url) {
    const el = link(button.url);
    el.className = "key";
    el.append(button.text);
    return el;
  }
  const el = make(`button.key${style}`, { type: "button" }, button.text);
  el.addEventListener("click", () => (button.copy ? copy(button.copy, on) : on.tap(message, button, el)));
  return el;
}

async function copy(text, on) {
  await navigator.clipboard.writeText(text);
  on.toast(say("copied"));
}
