"""Scores that take tokens: a scorer that reads or draws asks the search, which is charged for it.

This file believes that a rollout drawn to score a prefix is as dear as one drawn for an answer. So
such a scorer is written like a strategy: in a search it yields requests, and they are served,
charged, cut by the budget and recorded like any other. By itself it scores texts, for nothing. And
it believes that who judges many texts faster together should be asked so.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from treeseek.replies import BudgetSpent
from treeseek.requests import Node, Request, Score, Verdict, Verify

if TYPE_CHECKING:
    from treeseek.live import Context

Searching = Generator[list[Request], Any, None]
Asking = Generator[list[Request], Any, list[float]]


@runtime_checkable
class Asker(Protocol):
    """A scorer that asks a search for what it needs. `name` and `version` key its scores."""

    name: str
    version: str

    def score(self, texts: Sequence[str]) -> list[float]:
        """One number a text, in order; charged to nobody."""
        ...

    def ask(self, ctx: "Context", nodes: Sequence[Node]) -> Asking:
        """One number for the continuation up to each of `nodes`, in order, by requests."""
        ...


class Told:
    """A scorer of what `asker` found out: its numbers for the nodes not scored before, in order."""

    def __init__(self, asker: Asker, values: Iterable[float]) -> None:
        self.name, self.version = asker.name, asker.version
        self._values = list(values)

    def score(self, texts: Sequence[str]) -> list[float]:
        """The numbers, which belong to the nodes and not to their texts."""
        return self._values


class Gathered:
    """The verdicts of `verifier` on `texts`, asked for together when the first is wanted.

    Recorded verdicts are not asked for again; those past a budget of scores are made and not told.
    """

    def __init__(self, verifier: Any, texts: Sequence[str]) -> None:
        self.name, self.version = verifier.name, verifier.version
        self._verifier, self._texts = verifier, list(dict.fromkeys(texts))
        self._verdicts: dict[str, Verdict] = {}

    def verify(self, text: str) -> Verdict:
        """The verdict on one of the texts."""
        if not self._verdicts:
            verdicts = self._verifier.verify_all(self._texts)
            self._verdicts = dict(zip(self._texts, verdicts, strict=True))
        return self._verdicts[text]


def gathered(ctx: "Context", requests: Sequence[Request]) -> list[Request]:
    """`requests`, of which those to one verifier are asked together where it has `verify_all`."""
    found, places = list(requests), dict[int, list[int]]()
    for place, request in enumerate(requests):
        if isinstance(request, Verify) and hasattr(request.verifier, "verify_all"):
            places.setdefault(id(request.verifier), []).append(place)
    for several in places.values():
        asked = [one for one in map(found.__getitem__, several) if isinstance(one, Verify)]
        if len(asked) > 1:
            shared = Gathered(asked[0].verifier, [ctx.text(one.node) for one in asked])
            for place, one in zip(several, asked, strict=True):
                found[place] = replace(one, verifier=shared)
    return found


def paid(ctx: "Context", search: Searching) -> Searching:
    """`search`, which pays for the scores of an Asker and gathers what its verifier is asked."""
    several = isinstance(ctx.scorer, Asker) or hasattr(ctx.verifier, "verify_all")
    return _paying(ctx, search) if several else search


def _paying(ctx: "Context", search: Searching) -> Searching:
    """`search`, each of whose lists follows what the Askers in it ask for."""
    known: set[tuple[str, str, int]] = set()
    replies, end = None, None
    try:
        while True:
            try:
                requests = search.send(replies) if end is None else search.throw(end)
            except StopIteration:
                return
            end = None
            try:
                replies = yield (yield from _told(ctx, requests, known))
            except BudgetSpent as spent:
                end = spent
    finally:
        search.close()


def _told(
    ctx: "Context", requests: list[Request], known: set[tuple[str, str, int]]
) -> Generator[list[Request], Any, list[Request]]:
    """`requests`, those of an Asker answered by requests of its own for what is not `known`."""
    if not isinstance(requests, list) or {Score, Verify}.isdisjoint(map(type, requests)):
        return requests
    told = gathered(ctx, requests)
    for place, request in enumerate(requests):
        if not isinstance(request, Score) or not isinstance(request.scorer, Asker):
            continue
        asker, fresh = request.scorer, []
        for node in request.nodes:
            key = (asker.name, asker.version, node.handle)
            if key not in known:
                known.add(key)
                fresh.append(node)
        try:
            values = (yield from asker.ask(ctx, fresh)) if fresh else []
        except BudgetSpent:
            raise BudgetSpent([]) from None  # what was answered, the search did not ask for
        told[place] = replace(request, scorer=Told(asker, values))
    return told
