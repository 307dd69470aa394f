"""What people do in the chat, one file per kind of it. All registration happens here."""

from telegram import Update
from telegram.ext import (
    CallbackQueryHandler,
    ChatMemberHandler,
    CommandHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from bot.handlers import buttons, commands, everyone, pictured, staff
from bot.pump import AnyApplication, report_failure


def register(app: AnyApplication) -> None:
    """Put every handler in its place. The catch-all comes last and leaves nothing unsettled."""
    app.add_error_handler(report_failure)
    app.add_handler(TypeHandler(Update, everyone.nothing_said), group=-1)
    new = filters.UpdateType.MESSAGE  # an edit must not run a command again
    private = filters.ChatType.PRIVATE
    app.add_handler(CommandHandler("duty", pictured.duty, new))
    app.add_handler(CommandHandler("queue", pictured.queue, new))
    app.add_handler(CommandHandler("sticker", pictured.sticker, new))
    for name in commands.ENQUIRIES:
        app.add_handler(CommandHandler(name, commands.enquiry, new))
    for name in commands.ON_TICKETS:
        app.add_handler(CommandHandler(name, commands.on_ticket, new))
    for name in commands.IN_WORDS:
        app.add_handler(CommandHandler(name, commands.in_words, new))
    app.add_handler(CommandHandler("board", staff.put_board, new & filters.ChatType.GROUPS))
    scanned = new & private & filters.Regex(r"^/start(@\w+)? c_[\w-]+$")
    app.add_handler(MessageHandler(scanned, staff.sticker))
    app.add_handler(CommandHandler("start", commands.start, new))
    app.add_handler(CommandHandler("new", commands.new, new))
    app.add_handler(CommandHandler("call", commands.call, new))
    app.add_handler(CallbackQueryHandler(buttons.press))
    app.add_handler(ChatMemberHandler(everyone.reachability, ChatMemberHandler.MY_CHAT_MEMBER))
    app.add_handler(MessageHandler(new & private & filters.COMMAND, commands.unknown))
    app.add_handler(MessageHandler(new & private & filters.LOCATION, staff.location))
    app.add_handler(MessageHandler(new & private, everyone.message))
    edit = filters.UpdateType.EDITED_MESSAGE
    app.add_handler(MessageHandler(edit & filters.COMMAND, everyone.edited_command))
    app.add_handler(MessageHandler(edit & private, everyone.message))
    app.add_handler(TypeHandler(Update, everyone.whatever_else), group=1)
