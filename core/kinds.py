"""What tickets and sites are sorted by, for the rules of every room."""

PRIORITIES = ("P1", "P2", "P3", "P4")
MODES = ("onsite", "remote", "phone")
SITE_KINDS = ("resident", "field")
