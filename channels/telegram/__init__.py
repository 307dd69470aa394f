"""Telegram: reads updates into Inbound values and carries letters as messages with buttons."""
