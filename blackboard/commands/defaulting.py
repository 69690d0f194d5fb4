"""A group of commands of which one is meant when none is named."""

from __future__ import annotations

import click


class DefaultingGroup(click.Group):
    """``blackboard boards -o json`` is ``blackboard boards list -o json``: ``list`` is what is meant."""

    default = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in self.get_help_option_names(ctx)):
            args = [self.default, *args]
        return super().parse_args(ctx, args)
