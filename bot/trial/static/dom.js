// Small helpers: elements are built, never parsed, so no text can become markup.

/** make("button.key", {type: "button", onclick: f}, "text", child…) */
export function make(what, properties = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const el = document.createElement(tag);
  if (classes.length) el.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties)) {
    if (name in el) el[name] = value;
    else el.setAttribute(name, value);
  }
  el.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return el;
}

const ICONS = {
  send: "M3 20.5 22 12 3 3.5V10l12 2-12 2z",
  attach: "M16.5 6.5v10a4.5 4.5 0 0 1-9 0V5.5a3 3 0 0 1 6 0v10a1.5 1.5 0 0 1-3 0v-9",
  menu: "M4 7h16M4 12h16M4 17h10",
  more: "M12 5.5v.01M12 12v.01M12 18.5v.01",
  reply: "M10 8V4L3 11l7 7v-4c5 0 8 1.5 11 5-1-6-4-11-11-11z",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  close: "M6 6l12 12M18 6 6 18",
  play: "M8 5v14l11-7z",
  pause: "M8 5h3v14H8zM14 5h3v14h-3z",
  place: "M12 21s7-6.5 7-11.5A7 7 0 0 0 5 9.5C5 14.5 12 21 12 21z M12 7.5v4M10 9.5h4",
  file: "M6 3h8l5 5v13H6z M14 3v5h5",
  image: "M4 5h16v14H4z M4 16l5-5 4 4 3-3 4 4",
  voice: "M12 4a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V7a3 3 0 0 1 3-3z M6 11a6 6 0 0 0 12 0 M12 17v3",
  mail: "M3 6h18v12H3z M3 7l9 6 9-6",
  sms: "M4 5h16v11H9l-5 4z",
  mute: "M5 10v4h3l4 4V6L8 10z M16 9.5l5 5M21 9.5l-5 5",
  pin: "M9 4h6l-1 6 3 3H7l3-3z M12 13v7",
};
const SOLID = new Set(["send", "play", "pause", "reply"]);

export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon", SOLID.has(name) ? "solid" : "line");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

const MARKS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote", spoiler: "span",
};

/** Text with Telegram's entities; their offsets are UTF-16 units, as JavaScript's are. */
export function rich(text, entities, onCommand) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const build = (start, end, inside) => {
    const out = document.createDocumentFragment();
    let at = start;
    while (inside.length) {
      const entity = inside.shift();
      const stop = Math.min(entity.offset + entity.length, end);
      if (entity.offset < at) continue;
      out.append(text.slice(at, entity.offset));
      const within = [];
      while (inside.length && inside[0].offset < stop) within.push(inside.shift());
      const el = wrap(entity, text.slice(entity.offset, stop), onCommand);
      el.append(build(entity.offset, stop, within));
      out.append(el);
      at = stop;
    }
    out.append(text.slice(at, end));
    return out;
  };
  return build(0, text.length, sorted);
}

function wrap(entity, words, onCommand) {
  if (entity.type === "url" || entity.type === "text_link") return link(entity.url ?? words);
  if (entity.type === "phone_number") return link(`tel:${words}`);
  if (entity.type === "bot_command") {
    return make("button.command", { type: "button", onclick: () => onCommand(words) });
  }
  const el = make(MARKS[entity.type] ?? "span");
  if (entity.type === "spoiler") {
    el.className = "spoiler";
    el.addEventListener("click", () => el.classList.add("shown"));
  }
  return el;
}

export function link(address) {
  const safe = /^((https?|tg):\/\/|tel:\+\d)/i.test(address);
  return safe
    ? make("a", { href: address, target: "_blank", rel: "noopener noreferrer" })
    : make("span");
}
