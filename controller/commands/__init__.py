"""The sub-commands that need the controller's records, one module each; the root loads them by name."""
