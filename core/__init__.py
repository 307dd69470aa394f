"""Tickets, time and people. Knows no wire and no chat."""
