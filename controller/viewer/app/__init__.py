"""The screen of the viewer: the one place that knows Textual."""
