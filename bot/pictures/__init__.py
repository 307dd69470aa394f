"""Pictures for the chat: a week of the rota, the whole queue, the QR sticker of a site."""


class NoTypeface(Exception):
    """Nothing on this machine can write Chinese, so there are no pictures."""
