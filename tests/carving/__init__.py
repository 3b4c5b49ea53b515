"""Model files over everything that carries files: made here, sent, and found again."""
