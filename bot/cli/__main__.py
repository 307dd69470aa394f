"""`python -m bot.cli` is `paidan`."""

from bot.cli import main

main()
