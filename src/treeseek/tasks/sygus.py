"""SyGuS: string programs by example, in the grammar that the file allows.

This room believes that a program is right when it maps every example's inputs to its output, and
that some examples are kept back so that a program that knows the shown ones by heart is found out.
It reads `.sl` files of programs by example and ships none; other constraints than examples are not
covered.
"""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from treeseek.decoding.stops import Step
from treeseek.errors import BadRow
from treeseek.options import Range, validate
from treeseek.requests import Verdict
from treeseek.tasks.rows import drawn, located
from treeseek.tasks.slia import (
    TOKEN,
    Begun,
    Grammar,
    Open,
    Tree,
    Unreadable,
    Value,
    evaluate,
    read,
    whole,
    written,
)

LONGEST = 4_000
"""Characters of a program that is still judged."""
DEFINE = "define-fun"

Example = tuple[tuple[Value, ...], Value]


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A function to find: its file, its text, arguments, grammar and examples, `shown` first."""

    id: str
    text: str
    arguments: tuple[str, ...]
    grammar: Grammar
    examples: tuple[Example, ...]
    shown: int
    fault: str = ""

    @property
    def prompt(self) -> str:
        """The function with its grammar, and the shown examples, as a file of its own."""
        pairs = "\n".join(
            f"(constraint (= (f {' '.join(map(written, inputs))}) {written(output)}))"
            for inputs, output in self.examples[: self.shown]
        )
        return f"{self.text}\n{pairs}\n; a term for f that meets them all:\n" if self.text else ""


@dataclass(frozen=True, slots=True)
class SyGuS:
    """Files of string programs by example, with the first `examples` shown. Reference: sygus"""

    path: Annotated[str | None, "file or folder of .sl files; none: TREESEEK_SHARED"] = None
    examples: Annotated[int, Range(low=1), "examples shown; the others are hidden"] = 8
    name: str = field(default="sygus", init=False)
    step: Step = field(default_factory=Step, init=False)
    limit: int = field(default=256, init=False)

    def __post_init__(self) -> None:
        validate(self)

    def problems(self, seed: int, count: int) -> list[Synthesis]:
        """Functions by file name for seed 0, else shuffled; a bad file is a fault of its own."""
        place = located(self.path, "sygus_slia")
        files = sorted(place.rglob("*.sl")) if place.is_dir() else [place]
        return [self._load(file) for file in drawn(files, seed=seed, count=count)]

    def verifier(self, problem: Synthesis) -> "ByExample":
        """The judge by all examples; raises BadRow for a bad file."""
        if problem.fault:
            raise BadRow(problem.fault)
        return ByExample(problem)

    def answer(self, problem: Synthesis, text: str) -> str | None:
        """What the program does with the inputs shown: equal behaviour, equal answer."""
        try:
            term = _term(problem, text)
        except Unreadable:
            term = None
        if term is None:
            return None
        shown = problem.examples[: problem.shown]
        told = repr([_output(problem, term, inputs) for inputs, _ in shown])
        return hashlib.blake2b(told.encode("utf-8", "replace"), digest_size=12).hexdigest()

    def _load(self, file: Path) -> Synthesis:
        try:
            return load(file.read_text(encoding="utf-8"), name=file.stem, shown=self.examples)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            fault = f"{file}: no programs by example ({error}); mend or remove the file"
            return Synthesis(f"sygus-{file.stem}", "", (), Grammar({}, ""), (), 0, fault)


class ByExample:
    """Judge a term, or a whole `define-fun`: in the grammar, and right on the examples.

    The score is the share of shown examples it meets; solved, all of them and the hidden ones. Text
    that cannot become a term of the grammar is terminal at the letter that spoils it; text that can
    is not. Cost: one evaluation an example.
    """

    version = "1"

    def __init__(self, problem: Synthesis) -> None:
        self.problem = problem
        self.name = problem.id

    @property
    def shown(self) -> "ByExample":
        """What a search may ask: the judge by the examples shown."""
        problem = self.problem
        return ByExample(replace(problem, examples=problem.examples[: problem.shown]))

    def verify(self, text: str) -> Verdict:
        """The verdict on a term for the problem's function."""
        try:
            term = _term(self.problem, text)
        except Unreadable as error:
            return Verdict(0.0, False, True, str(error))
        if term is None:
            return Verdict(0.0, False, False, "the term is not finished")
        verdict = self._judge(term)
        more = not verdict.solved and not text.endswith((")", " ", "\n"))  # 1 may become 10
        return replace(verdict, terminal=not more)

    def _judge(self, term: Tree) -> Verdict:
        examples, shown = self.problem.examples, self.problem.shown
        missed = [
            place
            for place, (inputs, output) in enumerate(examples)
            if _output(self.problem, term, inputs) != output
        ]
        seen = [place for place in missed if place < shown]
        of = min(shown, len(examples))
        words = f"{of - len(seen)} of {of} examples are met"
        if seen:
            inputs, output = examples[seen[0]]
            got = _output(self.problem, term, inputs)
            given = " ".join(map(written, inputs))
            got_words = "no value" if got is None else written(got)
            words += f"; f of {given} is {got_words}, not {written(output)}"
        elif missed:
            words += "; a hidden one is not"
        return Verdict(1 - len(seen) / of, not missed, True, words[:500])


def load(text: str, *, name: str, shown: int) -> Synthesis:
    """The function that a file asks for; raises ValueError where it is not one by example."""
    given = [tree for tree in read(text) if isinstance(tree, tuple) and tree]
    asked = [tree for tree in given if tree[0] == "synth-fun"]
    if len(asked) != 1:
        raise ValueError(f"{len(asked)} functions to find")
    _, function, arguments, _, *rules = asked[0]
    groups = rules[-1] if rules else ()  # newer files declare the non-terminals before it as well
    if not isinstance(groups, tuple) or not groups or not isinstance(arguments, tuple):
        raise ValueError("no arguments and grammar")
    grammar = Grammar(dict(map(_rule, groups)), _name(groups[0]))
    examples = dict.fromkeys(_example(tree, function) for tree in given if tree[0] == "constraint")
    if not examples:
        raise ValueError("no example")
    begin = text.index("(synth-fun")
    names = tuple(map(_name, arguments))
    return Synthesis(f"sygus-{name}", _first(text[begin:]), names, grammar, tuple(examples), shown)


def _term(problem: Synthesis, text: str) -> Tree | None:
    """The finished term of a text; None where it may still become one, else raises Unreadable."""
    if len(text) > LONGEST:
        raise Unreadable(f"longer than {LONGEST} characters")
    trees = read(text)
    if len(trees) > 1:
        raise Unreadable("text after the term")
    tree = trees[0] if trees else None
    items = tree.items if isinstance(tree, Open) else tree if isinstance(tree, tuple) else ()
    if items and items[0] == DEFINE:
        if len(items) > 5 or (isinstance(tree, tuple) and len(items) < 5):
            raise Unreadable(f"{DEFINE} takes a name, arguments, a sort and a term")
        finished, tree = isinstance(tree, tuple), items[4] if len(items) == 5 else None
        term = _fitting(problem.grammar, tree)
        return term if finished else None
    begun = items[0] if items else None
    if tree == Open(()) or (isinstance(begun, Begun) and DEFINE.startswith(begun.text)):
        return None
    return _fitting(problem.grammar, tree)


def _fitting(grammar: Grammar, tree: Tree | None) -> Tree | None:
    if tree is None:
        return None
    if not grammar.fits(tree):
        raise Unreadable("not a term of the grammar")
    term = whole(tree)
    return term if term is not None and grammar.fits(term) else None


def _output(problem: Synthesis, term: Tree, inputs: tuple[Value, ...]) -> Value | None:
    try:
        return evaluate(term, dict(zip(problem.arguments, inputs, strict=True)))
    except ValueError:
        return None


def _name(group: Tree) -> str:
    if not isinstance(group, tuple) or not isinstance(group[0], str):
        raise ValueError(f"no name in {group!r}")
    return group[0]


def _rule(group: Tree) -> tuple[str, tuple[Tree, ...]]:
    """A non-terminal and its productions."""
    name = _name(group)
    if isinstance(group, tuple) and len(group) == 3 and isinstance(group[2], tuple):
        return name, group[2]
    raise ValueError(f"no productions of {name}")


def _example(tree: tuple[Tree, ...], function: Tree) -> Example:
    pair = tree[1]
    if not (isinstance(pair, tuple) and len(pair) == 3 and pair[0] == "="):
        raise ValueError("a constraint that is no example")
    _, call, output = pair
    if not (isinstance(call, tuple) and call[0] == function):
        raise ValueError("a constraint that is no example")
    return tuple(evaluate(part, {}) for part in call[1:]), evaluate(output, {})


def _first(text: str) -> str:
    """The first expression in `text`, with one space where there is any."""
    depth, kept = 0, ""
    for match in TOKEN.finditer(text):
        token = match[0]
        if token.startswith(";"):
            continue
        if token.isspace() or (token == ")" and kept.endswith(" ")):
            kept = kept.rstrip()
        kept += " " if token.isspace() and not kept.endswith("(") else token.strip()
        depth += {"(": 1, ")": -1}.get(token, 0)
        if depth == 0 and token == ")":
            return kept
    raise ValueError("a parenthesis is not closed")
