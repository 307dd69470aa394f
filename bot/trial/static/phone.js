// A telephone: whose it is, the chat, and everything one can do with a thumb.

import { bubble } from "./bubble.js";
import { icon, make } from "./dom.js";
import { encoded, post } from "./net.js";
import { current, label, say } from "./words.js";

const PENDING_FOR = 15_000;
const TYPING_FOR = 5_000;
const remembered = (role) => sessionStorage.getItem(`paidan-${role}`);
const PLACE = { latitude: 22.8054, longitude: 113.2932 };

export class Phone {
  constructor(role, people, zone, onChange) {
    Object.assign(this, { role, people, zone, onChange });
    this.people = people.filter((each) => each.seat === role);
    this.person = this.people.find((each) => String(each.telegram_id) === remembered(role)) ?? this.people[0];
    this.unread = new Map();
    this.ringing = new Set();
    this.build();
    this.clear();
  }

  get id() { return this.person.telegram_id; }

  // How it is made

  build() {
    this.picker = make("select", { "data-label": "play" });
    this.picker.addEventListener("change", () => this.become(Number(this.picker.value)));
    this.avatar = make("span.avatar");
    this.office = make("small");
    this.chip = make("span.tongue");
    this.status = make("small");
    this.list = make("div.list", { role: "log", tabIndex: 0 });
    this.toasts = make("div.toasts", { role: "status" });
    this.chips = make("div.chips");
    this.rings = make("div.rings", { role: "status" });
    this.banner = make("p.banner", { "data-word": "blocked", hidden: true });
    this.context = make("div.context", { hidden: true });
    this.keys = make("div.keys", { hidden: true });
    this.popover = make("div.popover", { hidden: true });
    this.files = make("input", { type: "file", accept: "image/png,image/jpeg", multiple: true, hidden: true });
    this.files.addEventListener("change", () => this.upload());
    this.box = make("textarea", { rows: 1, "data-hint": "write", "data-label": "write", maxLength: 4096 });
    this.box.addEventListener("input", () => this.grow());
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.element = make(
      `section.seat.${this.role}`, {},
      make("header.who", {}, this.avatar, make("label", {}, this.office, this.picker), this.chip),
      make("div.phone", {}, make("div.screen", {}, this.top(), this.rings, this.list, this.toasts, this.chips,
        this.popover, this.banner, this.context, this.composer(), this.keys)),
    );
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { this.popover.hidden = true; this.forget(); }
    });
    this.fillPicker();
  }

  tool(name, deed) {
    const button = make(`button.tool.${name}`, { type: "button", "data-label": name }, icon(name));
    button.addEventListener("click", (event) => { event.stopPropagation(); deed(); });
    return button;
  }

  top() {
    return make("div.top", {},
      make("img", { src: "/trial/static/mark.svg", width: 32, height: 32, alt: "" }),
      make("div.title", {}, make("b", { "data-word": "bot" }), this.status),
      this.tool("more", () => this.open(this.moreItems())));
  }

  composer() {
    const form = make("form.composer", {},
      this.tool("menu", () => this.open(this.menuItems())), this.box, this.files,
      this.tool("attach", () => this.open(this.attachItems())),
      make("button.tool.send", { type: "submit", "data-label": "send" }, icon("send")));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    return form;
  }

  fillPicker() {
    this.picker.replaceChildren(...this.people.map((each) => {
      const unread = this.unread.get(each.telegram_id);
      const name = `${each.name[current()]} · ${each.title[current()]}`;
      return make("option", { value: each.telegram_id }, unread ? `🔴 ${unread} ${name}` : name);
    }));
    this.picker.value = this.id;
    this.office.textContent = say(this.person.seat);
    this.avatar.textContent = this.person.name[current()].slice(0, 1);
    this.avatar.dataset.hue = this.id % 6;
  }

  /** The page's language has changed. */
  relabel() {
    label(this.element);
    this.fillPicker();
    this.drawRings();
    this.showTyping(false);
    this.drawAll();
  }

  become(id) {
    this.person = this.people.find((each) => each.telegram_id === id);
    sessionStorage.setItem(`paidan-${this.role}`, String(id));
    this.ringing.delete(id);
    this.unread.delete(id);
    this.clear();
    this.drawRings();
    this.fillPicker();
    this.onChange();
  }

  clear() {
    this.messages = new Map();
    this.shown = new Map();
    this.pending = new Map();
    this.menu = [];
    this.loaded = false;
    this.list.replaceChildren();
    this.forget();
  }

  // What arrives

  /** `fresh`: everything comes again, since a telephone was taken up, perhaps beside this one. */
  update(news, fresh, before) {
    const known = this.loaded;
    if (fresh) this.clear();
    for (const id of news.gone) this.remove(id);
    for (const message of news.messages) {
      const known = this.messages.has(message.id);
      this.messages.set(message.id, message);
      this.draw(message);
      if (this.loaded && !known && !message.mine && !message.silent) this.ring();
    }
    this.obey(news.messages.at(-1));
    if (known) for (const answer of news.answers) if (answer.version > before) this.answered(answer);
    this.loaded = true;
    this.menu = news.menu;
    this.blocked = news.blocked;
    this.banner.hidden = !news.blocked;
    this.showTyping(news.typing);
    this.chip.textContent = news.language === "zh" ? "中" : "EN";
    this.element.classList.toggle("blocked", news.blocked);
    this.drawKeys(news.keys);
    this.drawChips();
    this.drawEmpty();
  }

  /** The bot may ask for an answer to this very message. */
  obey(last) {
    if (!last?.forced || this.box.value) return;
    const focused = document.activeElement;
    this.answerTo(last, "reply");
    focused?.focus?.();
  }

  showTyping(typing) {
    clearTimeout(this.typed);
    this.status.textContent = say(typing ? "typing" : "online");
    if (typing) this.typed = setTimeout(() => this.showTyping(false), TYPING_FOR);
  }

  draw(message) {
    const near = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 140;
    const el = bubble(message, this.zone, {
      tap: (...all) => this.tap(...all),
      reply: (which) => this.answerTo(which, "reply"),
      edit: (which) => this.answerTo(which, "edit"),
      command: (text) => this.act("say", { text }),
      jump: (id) => this.jump(id),
      toast: (text) => this.toast(text),
    });
    const old = this.shown.get(message.id);
    if (old) {
      old.replaceWith(el);
      el.classList.add("changed");
    } else {
      this.separate(message);
      this.list.append(el);
    }
    this.shown.set(message.id, el);
    if (near || message.mine || !this.loaded) this.list.scrollTop = this.list.scrollHeight;
  }

  drawAll() {
    this.list.replaceChildren();
    this.shown.clear();
    for (const message of this.messages.values()) this.draw(message);
    this.drawChips();
    this.drawEmpty();
    this.list.scrollTop = this.list.scrollHeight;
  }

  /** A line with the date where a new day begins. */
  separate(message) {
    const day = new Intl.DateTimeFormat(current(), {
      month: "long", day: "numeric", weekday: "short", timeZone: this.zone,
    }).format(new Date(message.date * 1000));
    const lines = this.list.querySelectorAll(".day");
    if (lines[lines.length - 1]?.textContent !== day) this.list.append(make("div.day", {}, day));
  }

  drawEmpty() {
    this.list.querySelector(".empty")?.remove();
    if (this.messages.size) return;
    this.list.append(make("p.empty", {}, say(this.person.seat === "staff" ? "empty" : "emptyOther")));
  }

  drawChips() {
    const spoken = [...this.messages.values()].some((message) => message.mine);
    const words = spoken ? [] : say(`chips_${this.person.seat}`);
    this.chips.replaceChildren(...words.map((text) =>
      make("button", { type: "button", onclick: () => this.act("say", { text }) }, text)));
  }

  drawKeys(rows) {
    this.keys.hidden = !rows.length;
    this.keys.replaceChildren(...rows.map((row) => make("div.row", {}, ...row.map((text) =>
      make("button", { type: "button", onclick: () => this.act("pick", { label: text }) }, text)))));
  }

  remove(id) {
    this.shown.get(id)?.remove();
    this.shown.delete(id);
    this.messages.delete(id);
  }

  // Who else of this seat is wanted

  count(id, unread, rang) {
    const known = this.people.some((each) => each.telegram_id === id);
    if (!known || (!rang && unread === (this.unread.get(id) ?? 0))) return;
    this.unread.set(id, unread);
    if (rang) this.ringing.add(id);
    if (!unread) this.ringing.delete(id);
    this.fillPicker();
    this.drawRings();
  }

  /** Nothing typed and nothing left to press: one may be shown another telephone. */
  get idle() {
    const busy = this.box.value || this.about || !this.popover.hidden || this.element.querySelector(".alert");
    return !busy && ![...this.messages.values()].some((message) => message.buttons.length);
  }

  answerRings() {
    const [first] = this.ringing;
    if (first === undefined || !this.idle) return;
    this.become(first);
    this.ring();
  }

  drawRings() {
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 40;
    this.rings.replaceChildren(...[...this.ringing].map((id) => {
      const { name } = this.people.find((each) => each.telegram_id === id);
      const space = current() === "en" ? " " : "";
      return make("button", { type: "button", onclick: () => { this.become(id); this.ring(); } },
        make("span", {}, "📳"), make("b", {}, `${name[current()]}${space}${say("rings")}`), make("em", {}, say("look")));
    }));
    if (atEnd) this.list.scrollTop = this.list.scrollHeight;
  }

  ring() {
    this.element.classList.remove("ringing");
    requestAnimationFrame(() => this.element.classList.add("ringing"));
  }

  jump(id) {
    const el = this.shown.get(id);
    el?.scrollIntoView({ block: "center", behavior: "smooth" });
    el?.classList.add("changed");
  }

  // What the thumb does

  async act(verb, body = {}) {
    this.popover.hidden = true;
    try {
      return await post(verb, { person: this.id, ...body });
    } catch (error) {
      this.toast(say("failed") + error.message);
      return null;
    }
  }

  async send() {
    const text = this.box.value.trim();
    if (!text) return;
    const { how, message } = this.about ?? {};
    this.box.value = "";
    this.grow();
    this.forget();
    if (how === "edit") await this.act("edit", { message: message.id, text });
    else await this.act("say", { text, reply_to: message?.id });
  }

  async tap(message, button, el) {
    el.disabled = true;
    el.classList.add("pending");
    const rest = () => { el.disabled = false; el.classList.remove("pending"); };
    const asked = await this.act("tap", { message: message.id, data: button.data });
    if (!asked) return rest();
    this.pending.set(asked.query, rest);
    this.settleEarly(asked.query);
    setTimeout(() => { this.pending.delete(asked.query); rest(); }, PENDING_FOR);
  }

  /** The answer may overtake the reply that tells us which question it answers. */
  settleEarly(query) {
    if (!this.early?.has(query)) return;
    this.early.delete(query);
    this.pending.get(query)?.();
    this.pending.delete(query);
  }

  answered({ query, text, alert }) {
    if (this.pending.has(query)) {
      this.pending.get(query)();
      this.pending.delete(query);
    } else {
      (this.early ??= new Set()).add(query);
    }
    if (text && alert) this.alert(text);
    else if (text) this.toast(text);
  }

  async upload() {
    const photos = await Promise.all([...this.files.files].slice(0, 10).map(encoded));
    this.files.value = "";
    if (photos.length) await this.attach("photo", { photos });
  }

  /** A file is an answer, too, where one was begun; what was written is its caption. */
  async attach(verb, body) {
    const { how, message } = this.about ?? {};
    if (how === "edit") return this.act(verb, body);
    const caption = this.box.value.trim();
    this.box.value = "";
    this.grow();
    this.forget();
    return this.act(verb, { ...body, caption, reply_to: message?.id });
  }

  onKey(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.send();
  }

  grow() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 110)}px`;
  }

  answerTo(message, how) {
    this.about = { message, how };
    const close = make("button.tool", { type: "button", "aria-label": say("cancel") }, icon("close"));
    close.addEventListener("click", () => this.forget());
    this.context.replaceChildren(icon(how),
      make("div", {}, make("b", {}, say(how)), make("span", {}, message.text || say("kind_text"))), close);
    this.context.hidden = false;
    if (how === "edit") this.box.value = message.text;
    this.box.focus();
    this.grow();
  }

  forget() {
    this.about = null;
    this.context.hidden = true;
  }

  // Menus, toasts, alerts

  menuItems() {
    return this.menu.map(({ command, description }) => [
      null, `/${command}`, () => this.act("say", { text: `/${command}` }), description]);
  }

  attachItems() {
    return [
      ["image", say("photo"), () => { this.popover.hidden = true; this.files.click(); }],
      ["image", say("samplePhoto"), () => this.attach("photo", { sample: true })],
      ["voice", say("voice"), () => this.attach("voice", {})],
      ["place", say("location"), () => this.act("location", PLACE)],
    ];
  }

  moreItems() {
    const word = this.blocked ? "unblock" : "block";
    return [["mute", say(word), () => this.act("block", { blocked: !this.blocked })]];
  }

  open(items) {
    if (!items.length) return;
    this.popover.replaceChildren(...items.map(([sign, text, deed, more]) => make(
      "button", { type: "button", onclick: deed }, sign && icon(sign), make("b", {}, text),
      more && make("span", {}, more))));
    this.popover.hidden = false;
    document.addEventListener("click", () => { this.popover.hidden = true; }, { once: true });
  }

  toast(text) {
    const el = make("div.toast", {}, text);
    this.toasts.append(el);
    setTimeout(() => el.remove(), 3600);
  }

  alert(text) {
    const ok = make("button", { type: "button" }, say("ok"));
    const el = make("div.alert", { role: "alertdialog" }, make("div", {}, make("p", {}, text), ok));
    ok.addEventListener("click", () => el.remove());
    this.element.querySelector(".screen").append(el);
    ok.focus();
  }
}
