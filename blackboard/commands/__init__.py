"""The sub-commands that need the board alone, one module each; the root loads them by name."""
