"""Strategies at the edge: kebab-case names, `-o name=value`, and what help says of them."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from treeseek import registry
from treeseek.declare import Strategy, StrategyFactory
from treeseek.errors import InvalidOption


def factory(name: str) -> StrategyFactory:
    """The strategy called `name`; raises UnknownName with the nearest names."""
    found: StrategyFactory = registry.find("strategies", name)
    return found


def configured(name: str, assignments: Sequence[str]) -> Strategy:
    """The strategy called `name` with its options from `-o` texts such as "width=8".

    Raises InvalidOption for an unknown or unfit option.
    """
    made = factory(name)
    known = made.options
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise InvalidOption(f"-o {assignment}: write an option as name=value.")
        if key not in known:
            listed = ", ".join(known) or "none"
            raise InvalidOption(f"{made.name} has no option {key!r}; its options are: {listed}.")
        options[key] = known[key].parse(made.name, text.strip())
    return made(**options)


class SearchCommand(click.Command):
    """A verb that takes `-s`: its help lists the options of the strategy named beside it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the strategy before `--help` is heard, whichever comes first."""
        try:
            values, _, _ = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError:
            values = {}
        ctx.meta["treeseek.strategy"] = values.get("strategy")
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verb's options, then the strategy's own, or the names of the strategies."""
        super().format_options(ctx, formatter)
        name = ctx.meta.get("treeseek.strategy")
        if name is None:
            names = ", ".join(registry.names("strategies"))
            with formatter.section("Strategies"):
                formatter.write_text(f"{names}. Add -s NAME to --help for the options of one.")
            return
        made = factory(name)
        doc = (made.__doc__ or "").strip().splitlines()
        with formatter.section(f"Options of {made.name} (-o NAME=VALUE)"):
            formatter.write_text(doc[0] if doc else "")
            rows = [(option.name, _described(option)) for option in made.options.values()]
            if rows:
                formatter.write_dl(rows)
            else:
                formatter.write_text("It has none.")


def _described(option: Any) -> str:
    default = getattr(option.default, "__name__", option.default)
    words = f"{option.about[:1].upper()}{option.about[1:]}." if option.about else ""
    return f"{words} Takes {option.wanted()}.  [default: {str(default).lower()}]".strip()


def strategy_options(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-s` and `-o`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option(
            "-o", "assignments", multiple=True, metavar="NAME=VALUE",
            help="An option of the strategy; may be given again.",
        )(function)  # fmt: skip
        return click.option(
            "-s", "--strategy", default=default, show_default=True, metavar="NAME",
            help="How to search.",
        )(function)  # fmt: skip

    return decorate
