// The page's own words. What the bot says comes from the desk.

export const STEPS = ["report", "accept", "depart", "arrive", "finish", "confirm", "survey"];
export const STEP_OF = { settle: STEPS[0] }; // a hint of its own on the way to the next step

const WORDS = {
  zh: {
    tagline: "IT 服务台，就在聊天里 · 试用台",
    forward: "把时间往前拨",
    plus5: "+5 分钟", plus30: "+30 分钟", plus120: "+2 小时",
    workday: "下一工作日 10:00", next: "下一事件", none: "无", moving: "时间在走，该发生的正在发生…",
    rings: "的手机响了", look: "看看",
    staff: "报修人", engineer: "工程师", supervisor: "主管 / 调度",
    bot: "派单 Paidan", online: "机器人", typing: "正在输入…",
    write: "写消息…", send: "发送", attach: "附件", menu: "命令", more: "更多",
    photo: "上传照片", samplePhoto: "示例照片", voice: "示例语音", location: "示例位置",
    reply: "回复", edit: "编辑", cancel: "取消", edited: "已编辑", ok: "好",
    block: "停用机器人", unblock: "重新启用机器人", blocked: "此人已停用机器人，收不到消息。",
    play: "扮演", empty: "还没有消息。写一句话，就是报修。", emptyOther: "还没有消息。有事时，这部手机会响。",
    kind_photo: "照片", kind_voice: "语音", kind_video: "视频", kind_document: "文件",
    kind_location: "位置", kind_contact: "名片", kind_text: "消息", copied: "已复制",
    mail: "邮件", sms: "短信", from: "发件人", phoneNumber: "手机号", subject: "主题", text: "正文",
    sendMail: "发给服务台", mailSoon: "随邮件渠道一起到来", smsSoon: "随短信渠道一起到来",
    mailNote: "员工写邮件到服务台，也是报修；回信按工单串在一起。",
    smsNote: "没有聊天软件的人用短信报修，回一个数字就能确认。",
    noLetters: "还没有往来。", toDesk: "→ 服务台", fromDesk: "服务台 →",
    offline: "与服务台的连接断了，正在重连…", failed: "没有成功：",
    step_report: "报修", step_accept: "接单", step_depart: "出发", step_arrive: "到达",
    step_finish: "完成", step_confirm: "确认", step_survey: "次日回访",
    hint_report: "在左边的手机里说一句话就是报修，比如「打印机卡纸 三楼财务」。照片、语音也行。",
    hint_settle: "一句话就是一张工单。卡片上可以改；一分钟内再发的话和照片都并进这一单。等一下，或点“下一事件”。",
    hint_accept: "工程师的手机响了：点“接单”。没人接会怎样？把时间往前拨 2 小时，看右边的手机。",
    hint_depart: "工程师接了单。上路时点“出发”，左边的卡片会跟着变。",
    hint_arrive: "到了现场点“到达”，发不发位置都可以。",
    hint_finish: "修好了：工程师选一个结果，点“完成”。也可以回复卡片，话会转给报修人。",
    hint_confirm: "左边的手机在问：恢复正常了吗？点“是”关单，点“否”带着来龙去脉退回工程师。",
    hint_survey: "把时间拨到“下一工作日 10:00”，左边会收到一次点一下的回访。",
    hint_end: "走完一单。再试试：发一张照片、让工程师拒单、或者谁都不理，看超时怎样上报。",
    chips_staff: ["打印机卡纸 三楼财务", "电脑上不了网，很急", "你好"],
    chips_engineer: ["/my", "/help"], chips_supervisor: ["/queue", "/help"],
  },
  en: {
    tagline: "The IT service desk that lives in chat · trial",
    forward: "Move time forward",
    plus5: "+5 min", plus30: "+30 min", plus120: "+2 h",
    workday: "Next workday 10:00", next: "Next event", none: "none", moving: "Time moves on; what falls due is happening…",
    rings: "has a ringing phone", look: "Look",
    staff: "Staff", engineer: "Engineer", supervisor: "Supervisor / dispatcher",
    bot: "派单 Paidan", online: "bot", typing: "typing…",
    write: "Message…", send: "Send", attach: "Attach", menu: "Commands", more: "More",
    photo: "Upload photos", samplePhoto: "Sample photo", voice: "Sample voice", location: "Sample location",
    reply: "Reply", edit: "Edit", cancel: "Cancel", edited: "edited", ok: "OK",
    block: "Stop the bot", unblock: "Restart the bot", blocked: "This person stopped the bot and gets no messages.",
    play: "Play", empty: "No messages yet. One sentence is a report.", emptyOther: "No messages yet. This phone rings when there is something to do.",
    kind_photo: "Photo", kind_voice: "Voice message", kind_video: "Video", kind_document: "File",
    kind_location: "Location", kind_contact: "Contact", kind_text: "Message", copied: "Copied",
    mail: "Mail", sms: "SMS", from: "From", phoneNumber: "Phone number", subject: "Subject", text: "Text",
    sendMail: "Send to the desk", mailSoon: "Comes with the mail channel", smsSoon: "Comes with the SMS channel",
    mailNote: "A mail to the desk is a report, too; answers stay in one thread per ticket.",
    smsNote: "People without a chat app report by SMS and confirm with a single digit.",
    noLetters: "Nothing here yet.", toDesk: "→ desk", fromDesk: "desk →",
    offline: "The connection to the desk is lost; trying again…", failed: "That did not work: ",
    step_report: "Report", step_accept: "Accept", step_depart: "On my way", step_arrive: "I'm here",
    step_finish: "Done", step_confirm: "Works again", step_survey: "Next-day survey",
    hint_report: "Say one sentence on the left phone, such as “Paper jam, finance on floor 3”. A photo or a voice message will do, too.",
    hint_settle: "One sentence, one ticket. Correct it on the card; what you send within the minute joins it. Wait a moment, or press “Next event”.",
    hint_accept: "An engineer's phone rings: accept. And if nobody does? Move time on by two hours and watch the phone on the right.",
    hint_depart: "The engineer has the job. “On my way” when leaving: the card on the left follows.",
    hint_arrive: "On site: “I'm here”, with or without a location.",
    hint_finish: "Fixed: the engineer picks a result and is done. Replying to the card reaches the requester.",
    hint_confirm: "The left phone asks: does it work again? Yes closes the ticket, no brings it back with its history.",
    hint_survey: "Move time to the next workday, 10:00: a one-tap survey arrives on the left.",
    hint_end: "One ticket, start to end. Now try a photo, let the engineer decline, or ignore everything and watch it escalate.",
    chips_staff: ["Paper jam, finance on floor 3", "No network on my PC, urgent", "Hello"],
    chips_engineer: ["/my", "/help"], chips_supervisor: ["/queue", "/help"],
  },
};

let language = "zh";

export const current = () => language;
export const say = (key) => WORDS[language][key] ?? key;

export function speak(wanted) {
  language = wanted;
  document.documentElement.lang = wanted === "zh" ? "zh-Hans" : "en";
  label(document);
}

/** Fill everything that carries a word of the page. */
export function label(root) {
  for (const el of root.querySelectorAll("[data-word]")) el.textContent = say(el.dataset.word);
  for (const el of root.querySelectorAll("[data-label]")) {
    el.setAttribute("aria-label", say(el.dataset.label));
    if (el.tagName === "BUTTON") el.title = say(el.dataset.label);
  }
  for (const el of root.querySelectorAll("[data-hint]")) el.placeholder = say(el.dataset.hint);
}
