"""The sub-commands that know scenarios, one module each; the root loads them by name."""
