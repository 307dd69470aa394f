"""Reads a report in plain words: which site, what is broken, how bad."""
