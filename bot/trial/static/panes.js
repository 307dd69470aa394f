// Mail and SMS beside the telephones; each lights up when its channel is there.

import { icon, make } from "./dom.js";
import { get, post } from "./net.js";
import { current, label, say } from "./words.js";

const EVERY = 2_000;
const FIELDS = {
  mail: [["from", "from", "wang.fang@example.com"], ["subject", "subject", ""]],
  sms: [["from", "phoneNumber", "13800138000"]],
};

export class Pane {
  constructor(kind, zone) {
    Object.assign(this, { kind, zone, letters: [], on: false, drawn: "" });
    this.list = make("div.letters");
    this.note = make("div.soon", {}, make("b", { "data-word": `${kind}Soon` }), make("span", { "data-word": `${kind}Note` }));
    this.form = this.writing();
    this.element = make(`section.pane.${kind}.off`, {},
      make("header", {}, icon(kind), make("h2", { "data-word": kind }), make("span.lamp")),
      this.note, this.list, this.form);
    this.look();
  }

  writing() {
    this.inputs = FIELDS[this.kind].map(([name, word, value]) =>
      make("input", { name, value, "data-hint": word, "data-label": word, autocomplete: "off" }));
    this.text = make("textarea", { rows: 2, "data-hint": "text", "data-label": "text" });
    const form = make("form", {}, make("div.fields", {}, ...this.inputs), this.text,
      make("button", { type: "submit", "data-word": "sendMail" }));
    form.addEventListener("submit", (event) => { event.preventDefault(); this.write(); });
    return form;
  }

  async write() {
    if (!this.text.value.trim()) return;
    const fields = Object.fromEntries(this.inputs.map((input) => [input.name, input.value.trim()]));
    await post(this.kind, { ...fields, text: this.text.value.trim() });
    this.text.value = "";
    await this.fetch();
  }

  async look() {
    await this.fetch().catch(() => {}); // a lost connection is told by the page, once
    setTimeout(() => this.look(), this.on ? EVERY : EVERY * 5);
  }

  async fetch() {
    const { on, letters } = await get(this.kind);
    this.on = on;
    this.letters = letters;
    this.draw();
  }

  draw(again = false) {
    const state = JSON.stringify([this.on, this.letters]);
    if (state === this.drawn && !again) return;
    this.drawn = state;
    this.element.classList.toggle("off", !this.on);
    const rows = this.letters.map((letter) => this.row(letter));
    this.list.replaceChildren(...(rows.length ? rows.reverse() : [make("p.empty", {}, say("noLetters"))]));
  }

  row(letter) {
    const time = new Intl.DateTimeFormat(current(), {
      month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: this.zone,
    }).format(new Date(letter.at * 1000));
    const way = letter.incoming ? `${letter.sender} ${say("toDesk")}` : `${say("fromDesk")} ${letter.recipient}`;
    return make(`details.letter${letter.incoming ? ".incoming" : ""}`, { open: this.kind === "sms" },
      make("summary", {}, make("span", {}, way), letter.subject && make("b", {}, letter.subject), make("time", {}, time)),
      make("p", {}, letter.text));
  }

  relabel() {
    label(this.element);
    this.draw(true);
  }
}
