"""One file per kind of person."""
