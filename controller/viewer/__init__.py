"""The view of a live board: it reads, and nothing waits for it."""
