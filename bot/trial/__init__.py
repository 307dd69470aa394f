"""The throw-away desk: a strict Bot API server and a page with three phones."""
