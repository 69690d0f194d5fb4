"""A group of commands of which one is meant when none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class DefaultingGroup(click.Group):
    """``blackboard boards -o json`` is ``blackboard boards list -o json``: ``list`` is what is meant."""

    default = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and ctx.resilient_parsing:  # a line that a shell completes: it may still name a command
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0] not in self.get_help_option_names(ctx)):
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As of any group, and the options of what is meant when no command is named."""
        named = super().shell_complete(ctx, incomplete)
        meant = self.get_command(ctx, self.default)
        if not incomplete.startswith("-") or meant is None:
            return named
        with meant.make_context(self.default, [], parent=ctx, resilient_parsing=True) as within:
            return list({item.value: item for item in (*meant.shell_complete(within, incomplete), *named)}.values())
