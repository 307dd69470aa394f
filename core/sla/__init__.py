"""Promises: working calendars, policies and the clocks of the contract."""
