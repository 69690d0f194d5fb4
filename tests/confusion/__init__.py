"""Failures of a known class put into agents, and the class that the runtime gives them."""
