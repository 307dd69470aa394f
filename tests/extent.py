"""How much of the suite is run."""

import os

SOAK = os.environ.get("PAIDAN_SOAK") == "1"
# Where changes land, and when somebody asks for it: what takes minutes, and every language.
EVERYTHING = SOAK or os.environ.get("CI") == "true"
