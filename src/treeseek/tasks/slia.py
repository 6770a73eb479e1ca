"""Terms over strings and whole numbers: read, checked against a grammar, and evaluated.

This file believes in the meaning that SMT-LIB gives to each function, corner cases included. Text
that may still become a term is told from text that cannot, letter by letter, so a search can leave
a dead end at once. It covers the functions of the SyGuS track of programs by example, no binders.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

DEEPEST = 100
"""Terms nested deeper are refused."""

TOKEN = re.compile(r'\s+|;[^\n]*|[()]|"(?:[^"]|"")*+"|[^\s()";]+|"(?:[^"]|"")*\Z')

Value = str | int | bool


@dataclass(frozen=True, slots=True)
class Begun:
    """The beginning of a symbol or literal at the end of a text."""

    text: str


@dataclass(frozen=True, slots=True)
class Open:
    """A list whose closing parenthesis has not come yet."""

    items: tuple["Tree", ...]


Tree = str | tuple["Tree", ...] | Begun | Open
"""What is read: a symbol or literal, a list, or the unfinished form of either."""


class Unreadable(ValueError):
    """Text that no continuation makes a term of."""


def read(text: str) -> list[Tree]:
    """Every expression in `text`; the last symbol or list may be unfinished (Begun, Open).

    Raises Unreadable for a closing parenthesis too many, and for one nested deeper than DEEPEST.
    """
    stack: list[list[Tree]] = [[]]
    place = 0
    while place < len(text):
        match = TOKEN.match(text, place)
        assert match is not None, "every character begins a token"
        place, token = match.end(), match[0]
        if token == "(":
            if len(stack) > DEEPEST:
                raise Unreadable(f"nested deeper than {DEEPEST}")
            stack.append([])
        elif token == ")":
            if len(stack) == 1:
                raise Unreadable("a closing parenthesis too many")
            closed = tuple(stack.pop())
            stack[-1].append(closed)
        elif not token.isspace() and not token.startswith(";"):
            stack[-1].append(Begun(token) if place == len(text) else token)
    while len(stack) > 1:
        items = tuple(stack.pop())
        stack[-1].append(Open(items))
    return stack[0]


def whole(tree: Tree) -> Tree | None:
    """The expression with its last symbol taken as finished; None where something is open."""
    if isinstance(tree, Begun):
        return None if unclosed(tree.text) else tree.text
    return None if isinstance(tree, Open) else tree


def unclosed(token: str) -> bool:
    """Whether a token is a string literal without its closing quote."""
    return token.startswith('"') and (len(token) == 1 or token.count('"') % 2 == 1)


@dataclass(frozen=True, slots=True)
class Grammar:
    """What may be written: productions of each non-terminal, the first of which begins a term."""

    rules: Mapping[str, tuple[Tree, ...]]
    start: str

    def fits(self, tree: Tree) -> bool:
        """Whether `tree` is a term of the grammar, or may still become one where it is unfinished.

        Exact where every non-terminal derives some term. Cost: linear in the tree for each
        production with the same head.
        """
        return self._derives(self.start, tree, ())

    def _derives(self, name: str, tree: Tree, above: tuple[str, ...]) -> bool:
        if name in above:  # a circle of non-terminals derives nothing new
            return False
        return any(self._matches(rule, tree, (*above, name)) for rule in self.rules[name])

    def _matches(self, rule: Tree, tree: Tree, above: tuple[str, ...]) -> bool:
        if isinstance(rule, str) and rule in self.rules:
            return self._derives(rule, tree, above)
        if isinstance(tree, Begun):
            return isinstance(rule, str) and rule.startswith(tree.text)
        if isinstance(rule, str):
            return rule == tree
        if isinstance(tree, str) or not isinstance(rule, tuple):
            return False
        items = tree.items if isinstance(tree, Open) else tree
        known = len(items) <= len(rule) if isinstance(tree, Open) else len(items) == len(rule)
        return known and all(
            self._matches(part, item, ()) for part, item in zip(rule, items, strict=False)
        )


def evaluate(tree: Tree, values: Mapping[str, Value]) -> Value:
    """The value of a term; raises ValueError for one that has none.

    Linear in the term but for the lengths of its strings.
    """
    if isinstance(tree, str):
        return values[tree] if tree in values else _literal(tree)
    if not isinstance(tree, tuple) or not tree or not isinstance(tree[0], str):
        raise ValueError(f"no term: {tree!r}")
    head, *rest = tree
    if head == "ite" and len(rest) == 3:
        return evaluate(rest[1] if evaluate(rest[0], values) else rest[2], values)
    if head not in _FUNCTIONS:
        raise ValueError(f"no function {head!r}")
    try:
        return _FUNCTIONS[head](*(evaluate(part, values) for part in rest))
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{head} does not take these: {error}") from None


def written(value: Value) -> str:
    """A value as a literal."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else '"' + value.replace('"', '""') + '"'


def _literal(token: str) -> Value:
    if token in ("true", "false"):
        return token == "true"
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    if re.fullmatch("-?[0-9]{1,18}", token):
        return int(token)
    raise ValueError(f"no value for {token!r}")


def _substr(text: str, start: int, length: int) -> str:
    return text[start : start + length] if 0 <= start < len(text) and length > 0 else ""


def _index(text: str, part: str, start: int) -> int:
    return text.find(part, start) if 0 <= start <= len(text) else -1


def _number(text: str) -> int:
    return int(text) if re.fullmatch("[0-9]{1,4000}", text) else -1


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "str.++": lambda *parts: "".join(parts),
    "str.replace": lambda text, old, new: text.replace(old, new, 1),
    "str.at": lambda text, place: _substr(text, place, 1),
    "str.substr": _substr,
    "str.len": lambda text: len(text),
    "str.indexof": _index,
    "str.prefixof": lambda part, text: text.startswith(part),
    "str.suffixof": lambda part, text: text.endswith(part),
    "str.contains": lambda text, part: part in text,
    "str.to.int": _number,
    "int.to.str": lambda number: str(number) if number >= 0 else "",
    "+": lambda *numbers: sum(numbers),
    "-": lambda first, *rest: first - sum(rest) if rest else -first,
    "=": lambda one, other: one == other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "and": lambda *truths: all(truths),
    "or": lambda *truths: any(truths),
    "not": lambda truth: not truth,
}
"""Functions by their names in SMT-LIB as SyGuS files spell them."""
