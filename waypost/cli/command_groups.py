"""Groups of commands of which one is meant where none is named."""

from typing import Any

from typer.core import TyperGroup


def group_that_means(command: str) -> type[TyperGroup]:
    """A group in which `waypost GROUP X` is `waypost GROUP COMMAND X`, unless X is the name of another command."""

    class Group(TyperGroup):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            named = args[:1] and (args[0] in self.commands or args[0] == "--help")
            return super().parse_args(ctx, args if named else [command, *args])

    return Group
