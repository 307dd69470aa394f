"""How messages travel: one room per wire, none of the desk's rules."""
