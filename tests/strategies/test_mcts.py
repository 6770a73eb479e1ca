"""The family of Monte Carlo tree searches: what its members do, and what others get wrong."""

from collections.abc import Sequence
from typing import Any

import pytest

from treeseek import LM, Verdict, search, search_all
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.declare import Search, Strategy, strategy
from treeseek.decoding.stops import Step
from treeseek.errors import InvalidOption
from treeseek.journal import MemoryJournal
from treeseek.live import Context
from treeseek.replies import decode
from treeseek.requests import Node
from treeseek.strategies import mcts, rest_mcts, rstar
from treeseek.strategies.descents import Descents
from treeseek.strategies.family import grow
from treeseek.strategies.measures import confidence
from treeseek.strategies.plans import TO_THE_END, Plan
from treeseek.strategies.tallies import Tally
from treeseek.testing import Synthetic, scripted

LETTER = Step((), 1)
GROWN: list[Descents] = []


@strategy(tier="step")
def watched(
    ctx: Context, root: Node, *, plan: Any, rule: str = "uct", backup: str = "mean",
    value: str = "auto", c: float | None = None,
) -> Search:  # fmt: skip
    """Lets the test see the tree."""
    GROWN.append(
        (yield from grow(ctx, root, plan, rule=rule, backup=backup, value=value, exploration=c))
    )


def grown(problem: Synthetic, plan: Plan, **options: Any) -> tuple[Descents, Any]:
    settings = {"seed": 3, **{k: options.pop(k) for k in ("scorer", "n") if k in options}}
    found = search(
        problem.prompt, model=problem.lm, strategy=watched(plan=plan, **options),
        limit=problem.limit, step=problem.step, **{"n": 10**6, **settings},
    )  # fmt: skip
    return GROWN.pop(), found


def every(tree: Descents) -> list[Tally]:
    """Each node once, though it may have several parents."""
    nodes, seen = [tree.root], {id(tree.root)}
    for tally in nodes:
        fresh = [child for child in tally.children if id(child) not in seen]
        seen.update(map(id, fresh))
        nodes += fresh
    return nodes


class Worths:
    """Scorer: worth of the letters so far."""

    name, version = "worths", "1"

    def __init__(self, problem: Synthetic) -> None:
        self.problem, self.seen = problem, list[str]()

    def score(self, texts: Sequence[str]) -> list[float]:
        self.seen += texts
        return [self.problem.worth(text) for text in texts]


PLANS = {
    "births": Plan(simulations=500, width=3, widening=0.5, parallel=8),
    "looks": Plan(simulations=100, width=3, ahead=2, ahead_width=2, parallel=5),
    "rollouts": Plan(simulations=60, width=3, ahead=TO_THE_END, judged=False, parallel=6),
    "wide rollouts": Plan(
        simulations=40, width=4, ahead=TO_THE_END, ahead_width=4, judged=False, parallel=3
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_every_continuation_that_was_paid_for_is_in_the_tree(name: str) -> None:
    problem = Synthetic(width=4, depth=6, seed=1)
    journal, plan = MemoryJournal(), PLANS[name]
    found = search(
        problem.prompt, model=problem.lm, strategy=watched(plan=plan), limit=problem.limit,
        step=problem.step, scorer=Worths(problem), journal=journal, n=10**6,
    )  # fmt: skip
    tree = GROWN.pop()
    nodes = every(tree)
    replies = [decode(record["reply"]) for record in journal.values()]
    drawn = [run for reply in replies for run in getattr(reply, "continuations", ())]
    assert len(drawn) == sum(tally.draws for tally in nodes) > len(nodes) - 1 > 50
    # A letter a step: what was charged are the rows of the nodes that were drawn from.
    assert found.cost.tokens == sum(tally.draws > 0 for tally in nodes[1:])
    ends = [tally for tally in nodes if tally.final]
    assert len(ends) == len({c.text for c in found.candidates}) > 10
    # And nothing of the simulations in flight is left.
    assert all(tally.n == tally.visits and not tally.busy for tally in nodes)
    assert all(tally.q == tally.value and tally.flying == 0 for tally in nodes)


@pytest.mark.parametrize("name", PLANS)
def test_ends_are_never_visited_again(name: str) -> None:
    """Elsewhere 3,000 iterations came back to the same leaves and made 37 transitions in all."""
    problem = Synthetic(width=3, depth=4, seed=2, spread=0.5)
    plan = Plan(
        simulations=3000, width=9, ahead=PLANS[name].ahead, judged=PLANS[name].judged,
        ahead_width=PLANS[name].ahead_width, parallel=4,
    )  # fmt: skip
    tree, found = grown(problem, plan, scorer=Worths(problem))
    assert len({c.text for c in found.candidates}) == 3**4, "an answer was never met"
    assert found.cost.tokens == 3 + 9 + 27
    assert all(tally.visits == 1 for tally in every(tree) if tally.final)
    # Nothing is left, so it ends by itself, long before its simulations do.
    assert tree.root.closed and tree.root.visits < 1000


def test_a_descent_goes_down_to_where_the_tree_ends() -> None:
    """Elsewhere a search by this name looks one level below its root."""
    problem = Synthetic(width=3, depth=7, seed=4)
    tree, _ = grown(problem, Plan(simulations=60, width=3), scorer=Worths(problem))
    assert max(tally.steps for tally in every(tree)) == 7


def test_where_all_is_explored_every_node_may_have_more_children() -> None:
    problem = Synthetic(width=4, depth=4, seed=6)
    few = Plan(simulations=2000, width=2, restarts=False)
    once, found = grown(problem, few, scorer=Worths(problem))
    assert len({c.text for c in found.candidates}) <= 2**4 and once.root.closed
    assert all(tally.draws <= 2 for tally in every(once))
    more, found = grown(problem, Plan(simulations=2000, width=2), scorer=Worths(problem))
    assert len({c.text for c in found.candidates}) > 150
    # The first round is the one without restarts: what is found later is added to it.
    texts = {tuple(child.text) for child in once.root.children}
    assert texts <= {tuple(child.text) for child in more.root.children}


def test_children_come_with_simulations() -> None:
    """Not with each other: the values of its own first children are one simulation."""
    problem = Synthetic(width=6, depth=4, seed=8, spread=0.2)
    plan = Plan(simulations=150, width=2, widening=0.5, restarts=False)
    tree, _ = grown(problem, plan, scorer=Worths(problem))
    assert tree.root.draws > 2
    for tally in every(tree):
        if tally.steps < 3 and not any(child.draws for child in tally.children):
            assert tally.draws <= 2


class Sums:
    """Verifier: the letters' numbers sum to 9 in four; a prefix's state is its sum and length."""

    name, version = "sums", "1"

    def __init__(self, named: bool = True) -> None:
        self.named = named

    def verify(self, text: str) -> Verdict:
        total = sum(ord(letter) - ord("a") for letter in text)
        state = f"{total} {len(text)}" if self.named and len(text) < 4 else ""
        terminal = len(text) >= 4 or total > 9
        return Verdict(float(len(text) == 4 and total == 9), False, terminal, "no", state)


def letters_lm(width: int = 5, seed: int = 3) -> LM:
    return LM(ToyBackend(integer_hash(width, seed=seed, spread=0.5), width), Letters(), name="toy")


@pytest.mark.parametrize("how", [mcts, rest_mcts, rstar])
def test_prefixes_of_one_state_are_searched_once(how: Any) -> None:
    costs = {}
    for named in (True, False):
        options: dict[str, Any] = {"simulations": 500, "width": 8}
        if how is rest_mcts:
            options["enough"] = None
        found = search(
            [0], model=letters_lm(), strategy=how(**options), limit=4, step=LETTER, n=10**6,
            verifier=Sums(named),
        )  # fmt: skip
        costs[named] = found.cost.tokens
        sums = [sum(ord(x) - 97 for x in c.text) for c in found.candidates if len(c.text) == 4]
        assert 9 in sums
    # States: at most 10 sums a length; prefixes: up to 5 + 25 + 125.
    assert costs[True] <= 3 * 10 < costs[False]


@pytest.mark.parametrize("options", [{"widening": 0.5}, {"width": 2}], ids=["widening", "rounds"])
def test_noise_is_in_one_scale_for_all_children_of_the_root(options: Any) -> None:
    """However late they come: the priors sum to 1, and without noise they are the model's."""
    problem = Synthetic(width=6, depth=3, seed=8, spread=0.5)
    trees = {}
    for noise in (0.0, 1e-9, 0.25):
        plan = Plan(**{"simulations": 120, "width": 2, "noise": noise, **options})
        trees[noise], _ = grown(problem, plan, scorer=Worths(problem), rule="puct")
    for noise, tree in trees.items():
        children = tree.root.children
        own = [confidence(child.node) for child in children]
        assert len(children) > 2, "none came later"
        if not noise:
            assert [child.prior for child in children] == pytest.approx(own)
            continue
        assert sum(child.prior for child in children) == pytest.approx(1.0)
        near = [
            child.prior == pytest.approx(x / sum(own))
            for child, x in zip(children, own, strict=True)
        ]
        assert all(near) if noise < 0.1 else not any(near)


def test_no_path_leads_back() -> None:
    """A state reached again by more steps is left out: the tree has no circle to run in."""

    class Parity(Sums):
        def verify(self, text: str) -> Verdict:
            odd = text.count("b") % 2
            return Verdict(0.0, False, len(text) >= 4, "", "" if len(text) >= 4 else f"{odd}")

    found = search(
        [0], model=letters_lm(2), strategy=mcts(simulations=500, width=6), limit=4, step=LETTER,
        verifier=Parity(),
    )  # fmt: skip
    assert found.cost.tokens <= 4


def test_what_the_verifier_calls_lost_is_not_gone_on_from() -> None:
    found = search(
        [0], model=letters_lm(8), strategy=mcts(simulations=400, width=8), limit=4, step=LETTER,
        verifier=Sums(), n=10**6,
    )  # fmt: skip
    for candidate in found.candidates:
        assert sum(ord(x) - 97 for x in candidate.text[:-1]) <= 9


def test_without_an_end_the_most_visited_prefix_is_completed() -> None:
    problem = Synthetic(width=3, depth=6, seed=5)
    _, found = grown(problem, Plan(simulations=2, width=2), scorer=Worths(problem), n=1)
    assert [len(c.text) for c in found.candidates] == [6]


def test_an_end_that_is_good_enough_ends_the_search() -> None:
    problem = Synthetic(width=3, depth=4, seed=5)
    plan = Plan(simulations=900, width=9)
    _, whole = grown(problem, plan, scorer=Worths(problem))
    bar = sorted({problem.worth(c.text) for c in whole.candidates})[-30]
    _, found = grown(problem, Plan(simulations=900, width=9, enough=bar), scorer=Worths(problem))
    assert problem.worth(found.best.text) >= bar
    assert len({c.text for c in found.candidates}) < 50


def test_verdicts_and_scores_of_any_scale_meet() -> None:
    """An end stands where its verdict puts it among the scores seen, whatever their scale."""

    class Large(Worths):
        def score(self, texts: Sequence[str]) -> list[float]:
            return [1000 * value - 4000 for value in super().score(texts)]

    problem = Synthetic(width=3, depth=4, seed=7, right=0.1)
    search(
        problem.prompt, model=problem.lm, strategy=watched(plan=Plan(simulations=60, width=3)),
        limit=4, step=LETTER, scorer=Large(problem), verifier=problem.verifier(), n=10**6,
    )  # fmt: skip
    tree = GROWN.pop()
    ends = {"".join("abc"[t] for t in path): tally for path, tally in paths(tree) if tally.final}
    for text, tally in ends.items():
        assert (tally.worth > -3600) == problem.is_right(text), (text, tally.worth)
    assert any(map(problem.is_right, ends)) and -4000 <= tree.low < tree.high <= -3000


def paths(tree: Descents) -> list[tuple[tuple[int, ...], Tally]]:
    found: list[tuple[tuple[int, ...], Tally]] = [((), tree.root)]
    for path, tally in found:
        found += [((*path, *child.text), child) for child in tally.children]
    return found


class Counting(ToyBackend):
    """Counts calls, whatever of them is new."""

    calls = 0

    def expand(self, nodes: Sequence[int]) -> Any:
        self.calls += 1
        return super().expand(nodes)


@pytest.mark.parametrize("searches", [96, pytest.param(1024, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", [mcts(simulations=12), rstar(simulations=3, width=3)])
def test_many_searches_make_as_many_calls_as_the_longest(how: Strategy, searches: int) -> None:
    prompts = [[i % 8, i // 8 % 8, i // 64 % 8, i // 512] for i in range(searches)]
    options: dict[str, Any] = {"strategy": how, "limit": 5, "step": LETTER}

    def model() -> LM:
        return LM(Counting(integer_hash(8), 8), Letters(), name="hash")

    calls = []
    for prompt in prompts:
        alone = model()
        search(prompt, model=alone, **options)
        calls.append(alone.backend.calls)  # type: ignore[attr-defined]
    together = model()
    search_all(prompts, model=together, **options)
    assert together.backend.calls == max(calls) < sum(calls) / searches * 3  # type: ignore[attr-defined]


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidOption, match="set widening=0"):
        mcts(again=True)
    with pytest.raises(InvalidOption, match="give the search a scorer="):
        search("ab", model="toy:hash", strategy=mcts(value="scorer"))


# ReST-MCTS*.


def test_rest_backs_up_what_it_sees_ahead() -> None:
    table = {"": {"a": 0.9, "b": 0.1}, "a": {"c": 1.0}, "ac": {"c": 1.0}, "b": {".": 1.0}}

    class Trap:
        name, version = "trap", "1"

        def score(self, texts: Sequence[str]) -> list[float]:
            worth = {"a": 0.6, "ac": 0.1, "acc": 0.2}
            return [worth.get(text, 0.0) for text in texts]

    def root(**options: Any) -> float:
        plan = Plan(simulations=1, width=4, ahead_width=2, **options)
        search(
            "^", model=scripted(table), strategy=watched(plan=plan, rule="rest", backup="weighted"),
            step=LETTER, limit=9, scorer=Trap(),
        )  # fmt: skip
        return GROWN.pop().root.value

    assert root(ahead=2, mix=0.5) == pytest.approx(0.5 * 0.6 + 0.5 * 0.2)
    assert root(ahead=1, mix=0.5) == pytest.approx(0.5 * 0.6 + 0.5 * 0.1)
    assert root(ahead=2, mix=0.0) == pytest.approx(0.6)


# rStar-Math.


def test_rstar_stays_on_the_way_it_knows_until_it_turns_out_badly() -> None:
    """A child that nobody visited scores 0, and of equals the first is taken."""
    problem = Synthetic(width=3, depth=3, seed=1, spread=0.1, right=0.3)

    def visited(right: bool) -> list[int]:
        class All:
            name, version = "all", "1"

            def verify(self, text: str) -> Verdict:
                return Verdict(float(right), False, terminal=len(text) == 3)

        plan = Plan(
            simulations=4, width=9, ahead=TO_THE_END, ahead_width=9, judged=False, signed=True
        )
        search(
            "a", model=problem.lm, limit=3, step=LETTER, verifier=All(),
            strategy=watched(plan=plan, rule="rstar", value="verifier", c=0.2),
        )  # fmt: skip
        tree = GROWN.pop()
        assert tree.root.children[0].visits, "of equals the first comes first"
        return [child.visits for child in tree.root.children]

    # Three rollouts exhaust the nine answers below the first child.
    assert visited(True) == [9, 3, 0]
    assert sorted(visited(False), reverse=True)[1:] != [3, 0]


def test_rstar_notes_ends_when_they_are_drawn() -> None:
    problem = Synthetic(width=3, depth=3, seed=1, spread=0.1)
    found = search(
        "a", model=problem.lm, strategy=rstar(simulations=1, width=9), limit=3, step=LETTER,
        verifier=problem.verifier(),
    )  # fmt: skip
    assert len({c.text for c in found.candidates}) == 3 and found.cost.tokens == 2
