"""PUCT: the selection rule, virtual visits, and convergence to the best leaf."""

import math
from collections.abc import Sequence

import numpy as np
import pytest

from treeseek import LM, Node, Verdict, search
from treeseek.backends.toy import Letters, ToyBackend, integer_hash
from treeseek.errors import InvalidOption
from treeseek.native import vocabulary
from treeseek.native.visits import CompiledVisits
from treeseek.noise import Rng
from treeseek.strategies import puct
from treeseek.strategies.visits import Visits, selection
from treeseek.testing import scripted


class Textbook:
    """PUCT with one dictionary a node and recursion, sequential: the second writing."""

    def __init__(self, c: float, low: float = 0.0) -> None:
        self.c, self.low = c, low
        self.root = self.node(1.0)

    def node(self, prior: float) -> dict:
        return {"n": 0, "w": 0.0, "p": prior, "kids": []}

    def descend(self) -> list[dict]:
        at, path = self.root, [self.root]
        while at["kids"]:

            def worth(kid: dict, above: dict = at) -> float:
                q = kid["w"] / kid["n"] if kid["n"] else self.low
                return q + self.c * kid["p"] * math.sqrt(above["n"]) / (1 + kid["n"])

            at = max(at["kids"], key=worth)
            path.append(at)
        return path

    def back(self, path: list[dict], value: float) -> None:
        for node in path:
            node["n"] += 1
            node["w"] += value

    def visits(self) -> list[tuple[int, float]]:
        """Visits and sums, level by level."""
        level, found = [self.root], []
        while level:
            found += [(node["n"], node["w"]) for node in level]
            level = [kid for node in level for kid in node["kids"]]
        return found


@pytest.mark.skipif(not vocabulary.available(), reason="no compiler: there are no kernels")
@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("most", [1, 7])
def test_the_kernels_hold_the_same_tree(bounded: bool, most: int) -> None:
    rng = Rng(31 + most)
    lists, compiled = Visits(1.25, bounded=bounded), CompiledVisits(1.25, bounded=bounded)
    assert isinstance(selection(1.25, bounded=bounded), CompiledVisits)
    for _ in range(1500):
        found = lists.collect(most, 20)
        assert compiled.collect(most, 20) == found
        values = [rng.random() if bounded else 9 * rng.normal() for _ in found[0]]
        sizes = [rng.integers(4) if leaf % 7 == 6 else 3 for leaf in found[0]]
        families = [[float(-rng.integers(3)) for _ in range(size)] for size in sizes]  # ties
        lists.land(found[0], values, families)
        compiled.land(found[0], values, families)
    columns = [("visits", lists.visits), ("sum", lists.sums), ("mean", lists.means),
               ("prior", lists.priors), ("share", lists.shares), ("first", lists.first),
               ("count", lists.count)]  # fmt: skip
    assert len(lists.visits) > 1024  # the records were moved
    for name, column in columns:
        assert compiled.nodes[name].tolist() == column, name
    assert compiled.favourite() == lists.favourite() > 0


@pytest.mark.parametrize("exploration", [0.0, 0.4, 1.25, 5.0])
def test_one_leaf_at_a_time_it_is_the_textbook(exploration: float) -> None:
    rng, size = Rng(5), 3
    mine, theirs = Visits(exploration, bounded=True), Textbook(exploration)
    places: dict[int, dict] = {0: theirs.root}
    for _ in range(300):
        (leaf,), descents = mine.collect(1, 1)
        path = theirs.descend()
        assert descents == 1 and places[leaf] is path[-1]
        value = rng.random()
        mine.back(leaf, value)
        theirs.back(path, value)
        logprobs = [math.log(rng.random()) for _ in range(size)]
        first = len(mine.visits)
        mine.grow(leaf, logprobs)
        total = sum(map(math.exp, logprobs))
        path[-1]["kids"] = [theirs.node(math.exp(x) / total) for x in logprobs]
        places.update(zip(range(first, first + size), path[-1]["kids"], strict=True))
    for number, node in places.items():
        assert mine.visits[number] == node["n"]
        assert mine.sums[number] == pytest.approx(node["w"])


@pytest.mark.parametrize("bounded", [True, False])
def test_leaves_in_flight_are_different_and_leave_no_trace(bounded: bool) -> None:
    rng, tree = Rng(9), Visits(1.25, bounded=bounded)
    values: dict[int, float] = {}
    seen, visits = 0, 0
    for _ in range(60):
        leaves, descents = tree.collect(8, 100)
        assert len(set(leaves)) == len(leaves) <= descents
        visits += descents
        seen = max(seen, len(leaves))
        for leaf in reversed(leaves):
            values[leaf] = rng.random() if bounded else 20 * rng.random() - 30
            tree.back(leaf, values[leaf])
            if rng.random() < 0.2:
                tree.settled[leaf] = values[leaf]
            else:
                tree.grow(leaf, [-1.0, -2.0])
    assert seen > 3 and not tree._flying
    assert tree.visits[0] == visits
    # A node's visits and sums are its children's, and its own first visit.
    for node, count in enumerate(tree.count):
        if count:
            below = range(tree.first[node], tree.first[node] + count)
            assert tree.visits[node] == 1 + sum(tree.visits[child] for child in below)
            total = values[node] + sum(tree.sums[child] for child in below)
            assert tree.sums[node] == pytest.approx(total)
    for leaf, value in tree.settled.items():
        assert tree.sums[leaf] == pytest.approx(tree.visits[leaf] * value)


V, LIMIT = 3, 3


class Table:
    """Scorer: a number for every text, far from [0, 1]."""

    name, version = "table", "1"

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def score(self, texts: Sequence[str]) -> list[float]:
        known = [Rng(hash_(text) + self.seed).random() for text in texts]
        return [1000 * value - 5000 for value in known]


def hash_(text: str) -> int:
    return int.from_bytes(text.encode(), "little") * 0x9E3779B97F4A7C15


@pytest.mark.parametrize("parallel", [1, 4])
def test_it_finds_the_best_leaf_for_values_of_any_scale(parallel: int) -> None:
    for seed in range(4):
        lm = LM(ToyBackend(integer_hash(V, seed=seed), V), Letters(), name="toy")
        scorer = Table(seed)
        strategy = puct(simulations=1500, width=V, exploration=3.0, parallel=parallel)
        found = search([0], model=lm, strategy=strategy, limit=LIMIT, scorer=scorer)
        every = [(a, b, c) for a in range(V) for b in range(V) for c in range(V)]
        worth = scorer.score([Letters().decode(tokens) for tokens in every])
        assert found.best is not None
        assert found.best.token_ids == every[int(np.argmax(worth))]
        assert found.best.score == max(worth)


@pytest.mark.parametrize("parallel", [1, 8])
def test_a_worse_leaf_is_visited_with_the_root_of_the_visits(parallel: int) -> None:
    values, exploration, descents = [0.9, 0.5, 0.2], 1.25, 40_000
    tree = Visits(exploration, bounded=True)
    tree.collect(1, 1)
    tree.back(0, 0.5)
    tree.grow(0, [0.0, 0.0, 0.0])
    left = descents
    while left:
        leaves, spent = tree.collect(min(parallel, left), left)
        left -= spent
        for leaf in leaves:
            tree.settled[leaf] = values[leaf - 1]
            tree.back(leaf, values[leaf - 1])
    # Where the scores balance: gap = exploration * P * sqrt(N) / (1 + n), nearly.
    for leaf in (2, 3):
        wanted = exploration / 3 * math.sqrt(descents) / (values[0] - values[leaf - 1])
        assert tree.visits[leaf] == pytest.approx(wanted, rel=0.05)
    assert tree.favourite() == 1


def test_it_expands_each_prefix_once() -> None:
    lm = LM(ToyBackend(integer_hash(5, seed=1), 5), Letters(), name="toy")
    for parallel in (1, 7):
        lm.clear()
        strategy = puct(simulations=40, width=5, parallel=parallel)
        found = search([0], model=lm, strategy=strategy, limit=50)
        # The root is free, the completion at the end adds at most the way down.
        assert 39 <= found.cost.tokens <= 39 + 50
        assert len(lm.tree) - 1 >= found.cost.tokens


class Solves:
    """Verifier: the text must be the one it wants."""

    name, version = "solves", "1"

    def __init__(self, wanted: str) -> None:
        self.wanted, self.seen = wanted, list[str]()

    def verify(self, text: str) -> Verdict:
        self.seen.append(text)
        same = sum(a == b for a, b in zip(text, self.wanted, strict=False))
        return Verdict(same / len(self.wanted), solved=text == self.wanted)


def test_with_a_verifier_it_completes_leaves_and_stops_once_solved() -> None:
    lm = LM(ToyBackend(integer_hash(4, seed=2), 4), Letters(), name="toy")
    verifier = Solves("dbca")
    strategy = puct(simulations=2000, width=4, parallel=1)
    found = search([0], model=lm, strategy=strategy, limit=4, verifier=verifier)
    assert found.best is not None and found.best.text == "dbca"
    assert verifier.seen[-1] == "dbca"
    assert len(verifier.seen) < 4**4 / 2
    assert all(len(text) == 4 for text in verifier.seen)


def test_rollouts_are_one_greedy_and_the_rest_drawn() -> None:
    lm = scripted({"": {"a": 0.5, "b": 0.3, "c": 0.2}})
    one = search("^", model=lm, strategy=puct(simulations=1, width=1, rollouts=1))
    many = search("^", model=lm, strategy=puct(simulations=1, width=1, rollouts=40))
    assert {c.text for c in one.candidates} == {"a"}
    assert {c.text for c in many.candidates} == {"a", "b", "c"}


def test_a_function_of_the_node_is_a_value() -> None:
    lm = scripted({"": {"a": 0.9, "b": 0.1}, "a": {"c": 1.0}, "b": {"d": 0.9, "e": 0.1}})

    def surprise(node: Node) -> float:
        return -node.total

    for value, best in (("confidence", "ac"), (surprise, "be")):
        found = search("^", model=lm, strategy=puct(simulations=300, value=value, exploration=9.0))
        assert found.best is not None and found.best.text == best


@pytest.mark.parametrize("value", ["scorer", "verifier"])
def test_a_value_that_was_not_given_is_refused(value: str) -> None:
    with pytest.raises(InvalidOption, match=f"give the search a {value}="):
        search("ab", model="toy:hash", strategy=puct(value=value))


def test_dead_ends_are_left() -> None:
    """A prefix that a constraint leaves nothing to say after is worth what it was, and kept."""

    class NothingAfterB:
        key = "nothing after b"

        def start(self) -> str:
            return ""

        def mask(self, state: str) -> np.ndarray:
            allowed = np.ones(4, dtype=bool)
            allowed[3] = False
            return allowed if state != "b" else np.zeros(4, dtype=bool)

        def accept(self, state: str, token: int) -> str:
            return Letters().decode([token])

    lm = LM(ToyBackend(integer_hash(4, seed=7), 4), Letters(), name="toy")
    found = search(
        [0], model=lm, strategy=puct(simulations=200, width=4), limit=3, constraint=NothingAfterB()
    )
    texts = {c.text for c in found.candidates if c.finish == "limit"}
    assert texts and all("b" not in text[:2] and "d" not in text for text in texts)
