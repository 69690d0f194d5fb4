"""The views of a board."""
