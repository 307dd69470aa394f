"""One provider per file: its formats, its proof, its answer, its way to send."""
