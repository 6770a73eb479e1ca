"""Strategies and tasks at the edge: kebab-case names, their options, and what help says of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any, cast

import click

from treeseek import registry
from treeseek.cli.recipe import merged
from treeseek.cli.spelling import made, read, routed, split
from treeseek.declare import Strategy, StrategyFactory
from treeseek.options import Option, options_of
from treeseek.selectors.selector import Selector
from treeseek.tasks.protocol import Task


def factory(name: str) -> StrategyFactory:
    """The strategy called `name`; raises UnknownName with the nearest names."""
    found: StrategyFactory = registry.find("strategies", name)
    return found


def configured(words: str, assignments: Sequence[str]) -> Strategy:
    """The strategy that `words` name, with options from `-o` texts such as "width=8".

    Raises InvalidOption for an unknown or unfit option.
    """
    (strategy,) = chosen([words], assignments)
    return cast(Strategy, strategy)


def entered(
    task: str, strategies: Sequence[str], assignments: Sequence[str]
) -> tuple[Task, list[Strategy]]:
    """The task and the strategies in words, with the `-o` texts given to whom they belong.

    Raises InvalidOption for an option that nobody has or that a strategy and the task both have.
    """
    *made, of = chosen(strategies, assignments, task)
    return of, made


def chosen(
    strategies: Sequence[str], assignments: Sequence[str], task: str | None = None
) -> list[Any]:
    """The strategies in words, then the task if there is one; see `entered`."""
    named = [(*read(words), "strategy") for words in strategies]
    factories = [factory(name) for name, _, _ in named]
    owners = [("strategy", one.name, one.options) for one in factories]
    makers: list[Callable[..., Any]] = [*factories]
    if task is not None:
        name, given, kind, options = task_of(task)
        named.append((name, given, "task"))
        owners.append(("task", name, options))
        makers.append(kind)
    found = []
    for maker, (name, given, _), (_, _, options), extra in zip(
        makers, named, owners, routed(assignments, owners), strict=True
    ):
        found.append(made(name, maker, options, {**given, **extra}))
    return found


def task_of(words: str) -> tuple[str, dict[str, str], Callable[..., Any], dict[str, Option]]:
    """Name, given options, class and known options of a task in words, or of a file of problems."""
    if words.endswith(".jsonl") or words.endswith(".jsonl.gz") or Path(words).is_file():
        name, given = "jsonl", {"path": words}
    else:
        name, given = read(words)
    kind = registry.find("tasks", name)
    return name, given, kind, options_of(kind)


def selector_of(words: str) -> Selector:
    """The selector in words, as in `weighted(by=score)`."""
    name, given = read(words)
    kind = registry.find("selectors", name)
    found: Selector = made(name, kind, kind.options, given)
    return found


def allocator_of(words: str) -> Strategy:
    """The allocator in words, as in `even(draws=4, each=best-of-n(n=2))`."""
    name, given = read(words)
    kind: StrategyFactory = registry.find("allocators", name)
    known = {key: option for key, option in kind.options.items() if key != "problems"}
    found: Strategy = made(name, kind, known, given)
    return found


class SearchCommand(click.Command):
    """A verb that takes `-s`: its help lists the options of the strategies named beside it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note the strategy and the task before `--help` is heard, whichever comes first."""
        try:
            values, _, _ = self.make_parser(ctx).parse_args(list(args))
        except click.UsageError:
            values = {}
        for name in ("strategy", "task"):
            value = values.get(name)
            ctx.meta[f"treeseek.{name}"] = value if isinstance(value, str) else None
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verb's options, then those of what was named, or the names there are."""
        super().format_options(ctx, formatter)
        strategies = ctx.meta.get("treeseek.strategy")
        if any(param.name == "allocator" for param in self.params):
            words = 'Write one with its options as "NAME(OPTION=VALUE)".'
            listed(formatter, "Allocators", "allocators", words)
        if any(param.name == "task" for param in self.params):
            task = ctx.meta.get("treeseek.task")
            if task is None:
                listed(formatter, "Tasks", "tasks", "Write NAME --help for the options of one.")
            else:
                name, _, kind, options = task_of(task)
                described(formatter, name, kind.__doc__, options)
        if strategies is None:
            words = "Add -s NAME to --help for the options of one."
            listed(formatter, "Strategies", "strategies", words)
            return
        for words in split(strategies):
            made = factory(read(words)[0])
            described(formatter, made.name, made.__doc__, made.options)


def listed(formatter: click.HelpFormatter, title: str, kind: str, words: str) -> None:
    """The names of `kind` there are, and `words` on what to do with one."""
    with formatter.section(title):
        indent = " " * formatter.current_indent
        text = f"{', '.join(registry.names(kind))}. {words}"
        for line in wrap(text, formatter.width - len(indent), break_on_hyphens=False):
            formatter.write(f"{indent}{line}\n")


def described(
    formatter: click.HelpFormatter, name: str, doc: str | None, options: dict[str, Option]
) -> None:
    """What `name` does, by its `doc`, and its options."""
    lines = (doc or "").strip().splitlines()
    with formatter.section(f"Options of {name} (-o NAME=VALUE)"):
        formatter.write_text(lines[0] if lines else "")
        if options:
            formatter.write_dl([(option.name, _row(option)) for option in options.values()])
        else:
            formatter.write_text("It has none.")


def _row(option: Option) -> str:
    default = getattr(option.default, "__name__", option.default)
    words = f"{option.about[:1].upper()}{option.about[1:]}." if option.about else ""
    return f"{words} Takes {option.wanted()}.  [default: {str(default).lower()}]".strip()


def strategy_options(
    default: str | None, words: str = "How to search."
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`-s` and `-o`; without a default `-s` must be given."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        function = click.option(
            "-o", "assignments", multiple=True, metavar="NAME=VALUE", callback=merged,
            help="An option of what was named; may be given again.",
        )(function)  # fmt: skip
        given: dict[str, Any] = {"default": default, "show_default": True}
        if default is None:
            given = {"required": True}
        return click.option("-s", "--strategy", metavar="NAME", help=words, **given)(function)

    return decorate
