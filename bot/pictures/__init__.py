"""Pictures for the chat: a week of the rota, the whole queue, the QR sticker of a site."""
