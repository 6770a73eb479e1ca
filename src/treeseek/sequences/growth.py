"""Candidates grown word by word on the tree: beginnings, what each has lost, what may follow.

This file believes that the row of a beginning tells the loss of every word that may come next, so
all of them are walked together, one row for them all. It covers orders of a bag whose words are
whole tokens: where a tokenizer joins neighbours, no beginning has a loss of its own.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from treeseek.errors import InvalidOption
from treeseek.live import Context
from treeseek.replies import BudgetSpent
from treeseek.requests import Derive, Node, Request, Walk
from treeseek.sequences.bigram import every_pair
from treeseek.sequences.permutation import Permutation
from treeseek.sequences.perplexity import Perplexity
from treeseek.sequences.spelling import Speller, Spelling
from treeseek.sequences.trial import Cand


@dataclass(slots=True)
class Beginning:
    """The first words of candidates, walked up to `node`.

    `rest` are the words that are left, `spelling` that of one candidate that begins so, `spare` how
    many more tokens another may have, `at` the tokens walked, `loss` that of the counted ones.
    """

    cand: Cand
    rest: Cand
    spelling: Spelling
    spare: int
    node: Node
    at: int = 0
    loss: float = 0.0


class Growth:
    """Grows beginnings of the orders of `space`; `over` is true once the budget is spent.

    Each word is checked beside each other one for being spelt alike wherever it stands. Raises
    InvalidOption where it is not, and for an objective with a contrast, for which nothing bounds
    what is to come.
    """

    def __init__(self, ctx: Context, root: Node, space: Permutation, objective: Perplexity) -> None:
        """Walk nothing yet."""
        if objective.contrast is not None:
            raise InvalidOption(
                "With contrast= no beginning says how good its end can be: take a strategy of "
                "neighbours, such as annealing."
            )
        if not space.bag:
            raise InvalidOption("Every word is fixed: there is one order and nothing to search.")
        self.ctx, self.root, self.space, self.objective = ctx, root, space, objective
        self.speller = Speller(
            space,
            objective.encode,
            begin=objective.begin,
            end=objective.end,
            span=objective.span,
            rng=ctx.rng,
        )
        for order in every_pair(tuple(sorted(space.bag))):
            self.speller.check(order)
        if not self.speller.piecewise:
            raise InvalidOption(
                "This tokenizer joins neighbouring words into one token, so no beginning can be "
                "scored by itself: take a strategy of neighbours, or another separator."
            )
        self.over, self.charged, self.abandoned = False, 0, 0
        self.floors: dict[int, float] = {}
        """The least loss of each word wherever it was met."""
        self._roots: dict[tuple[int, ...], Node] = {}
        self._base, self._extra = self._widths()
        self._alike = not space.separator or any(space.separator in w for w in space.vocabulary)

    def start(self) -> Beginning:
        """The beginning without words."""
        rest = tuple(sorted(self.space.bag))
        return Beginning((), rest, self.speller.spell(rest), 0, self.root)

    def grown(
        self, beginnings: Sequence[Beginning], above: float | None = None
    ) -> Generator[list[Request], Any, list[Beginning]]:
        """All that are one word longer, but for those whose every end is worse than `above`."""
        longer = self._longer(beginnings)
        if not self.objective.begin:
            given = dict.fromkeys(one.spelling.given for one in longer)
            new = [tokens for tokens in given if tokens not in self._roots]
            if new:
                try:
                    derived = yield [Derive(self.root, tokens) for tokens in new]
                except BudgetSpent:
                    self.over = True
                    return []
                self.charged += sum(reply.charged for reply in derived)
                self._roots |= {t: reply.root for t, reply in zip(new, derived, strict=True)}
            for one in longer:
                one.node = one.node if one.at else self._roots[one.spelling.given]
        asked, walks, found = [], list[Request](), list[Beginning]()
        for one in longer:
            stop = one.spelling.last if not one.rest else self._cut(one)
            if stop == one.at:
                found.append(one)
                continue
            most = self.objective.most(self._widest(one), above)
            bound = None if most is None or one.at < one.spelling.first else most - one.loss
            asked.append(one)
            walks.append(Walk(one.node, one.spelling.tokens[one.at : stop], bound))
        try:
            replies = (yield walks) if walks else []
        except BudgetSpent as spent:
            self.over, replies = True, spent.replies
        for one, reply in zip(asked, replies, strict=False):
            self.charged += reply.charged
            self.abandoned += reply.abandoned
            if not reply.abandoned:
                found.append(self._walked(one, reply))
        return found

    def _longer(self, beginnings: Sequence[Beginning]) -> list[Beginning]:
        """Each of `beginnings` with each word that is left to it, yet to be walked."""
        found: dict[object, Beginning] = {}
        for old in beginnings:
            for word in dict.fromkeys(old.rest):
                at = old.rest.index(word)
                cand, rest = (*old.cand, word), (*old.rest[:at], *old.rest[at + 1 :])
                spelling = self.speller.spell((*cand, *rest))
                new = Beginning(cand, rest, spelling, 0, old.node, old.at, old.loss)
                new.spare = self._spare(new)
                # Equal texts with equal words left are worth the same, whatever their words are.
                same = (spelling.tokens[: self._cut(new)], rest) if self._alike else cand
                found.setdefault((spelling.given, same), new)
        return list(found.values())

    def _walked(self, one: Beginning, reply: Any) -> Beginning:
        lost = [-logprob for logprob in reply.logprobs]
        for loss in lost[max(0, one.spelling.first - one.at) :]:
            one.loss += loss
        word, whole = one.cand[-1], sum(lost)
        self.floors[word] = min(self.floors.get(word, whole), whole)
        one.at, one.node = one.at + len(lost), reply.node
        return one

    def _cut(self, one: Beginning) -> int:
        """Where the last word of `one` ends among its tokens."""
        assert one.spelling.cuts is not None
        return one.spelling.cuts[len(one.cand) - 1]

    def _widths(self) -> tuple[dict[int, int], list[int]]:
        """Least tokens of each word behind another, and the most that its place adds to them."""
        rest = sorted(self.space.bag)
        seen: list[dict[int, int]] = [{} for _ in rest]
        for turn in range(len(rest)):
            cand = (*rest[turn:], *rest[:turn])
            cuts = self.speller.spell(cand).cuts or ()
            for place in range(1, len(cand)):
                seen[place][cand[place]] = cuts[place] - cuts[place - 1]
        base = {word: min((some[word] for some in seen[1:]), default=0) for word in rest}
        extra = [max((some[w] - base[w] for w in some), default=0) for some in seen]
        return base, extra

    def _spare(self, one: Beginning) -> int:
        most = sum(self._base[word] for word in one.rest)
        most += sum(self._extra[len(one.cand) :])
        cuts = one.spelling.cuts or ()
        return most - (cuts[-1] - self._cut(one)) if one.rest else 0

    def _widest(self, one: Beginning) -> Spelling:
        """A spelling with as many counted tokens as any candidate that begins as `one` has."""
        return replace(one.spelling, last=one.spelling.last + one.spare)

    def least(self, one: Beginning) -> float:
        """What every candidate that begins so is worth at least: no token gains anything."""
        return self.objective.least(self._widest(one), one.loss)

    def promise(self, one: Beginning) -> float:
        """What candidates that begin so come to, if each word is lost as little as it ever was."""
        rest = sum(self.floors.get(word, 0.0) for word in one.rest)
        return self.objective.value(one.spelling, [one.loss + rest])

    def stand(self, one: Beginning, *, scored: int, optimal: bool = False) -> None:
        """Finish a whole candidate; checks how it is spelt."""
        self.speller.check(one.cand)
        value = self.objective.value(one.spelling, [one.loss])
        self.ctx.finish(
            one.node,
            score=-value,
            value=value,
            loss=one.loss,
            counted=one.spelling.last - one.spelling.first,
            scored=scored,
            charged=self.charged,
            optimal=optimal,
        )
