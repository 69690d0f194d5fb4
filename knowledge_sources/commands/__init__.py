"""The sub-commands that are about agents, one module each; the root loads them by name."""
