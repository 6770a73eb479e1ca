"""The slot table keeps what a cache must keep, whatever is asked in whatever order."""

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from treeseek.backends.plan import cut, open_call, take
from treeseek.backends.slots import SlotTable
from treeseek.errors import InvalidOption
from treeseek.tree import OFFSET_BITS, ROOT, Tree


class Cache(RuleBasedStateMachine):
    """A search that grows a tree and asks for rows, and a model that remembers what is where."""

    @initialize(limit=st.sampled_from([None, 6, 9, 14, 40]))
    def start(self, limit: int | None) -> None:
        self.tree = Tree()
        self.table = SlotTable(self.tree, limit=limit)
        self.nodes: list[int] = []
        self.content: dict[int, tuple[int, ...]] = {}
        self.ever: set[int] = set()

    @rule(data=st.data(), tokens=st.lists(st.integers(0, 3), min_size=1, max_size=5))
    def grow(self, data: st.DataObject, tokens: list[int]) -> None:
        parent = data.draw(st.sampled_from([ROOT, *self.nodes]))
        if self.table.limit is None or self.tree.depth(parent) + len(tokens) <= self.table.limit:
            self.nodes.append(self.tree.extend(parent, tokens))

    @precondition(lambda self: self.nodes)
    @rule(data=st.data(), rows=st.sampled_from([1, 3, 100]), broken=st.booleans())
    def ask(self, data: st.DataObject, rows: int, broken: bool) -> None:
        asked = data.draw(
            st.lists(st.sampled_from(self.nodes), min_size=1, max_size=8, unique=True)
        )
        at = 0
        while at < len(asked):
            batch = take(self.table, asked, at, rows=rows)
            some = asked[at : at + len(batch.computed)]
            assert some, "no progress"
            assert sum(batch.computed) == sum(stop - start for _, start, stop in batch.spans)
            self.table.touch(some)
            for spans in cut(batch.spans, rows):
                call = open_call(self.table, spans, some)
                assert len(call.tokens) <= rows
                assert len(set(call.slots.tolist())) == len(call.slots)
                places = [(s << OFFSET_BITS) + o for s, a, b in spans for o in range(a, b)]
                if broken:
                    self.table.drop(spans)
                    return
                for place, token, depth, slot in zip(
                    places, call.tokens, call.depths, call.slots, strict=True
                ):
                    path = tuple(self.tree.path(place))
                    assert (path[-1], len(path) - 1) == (token, depth)
                    # What a row attends to is there already, or comes in the same call.
                    line = self.table.path(place)
                    for index, above in enumerate(line[:-1]):
                        assert above in call.slots or self.content[above] == path[: index + 1]
                    self.content[int(slot)] = path
                again = self.table.commit(spans)
                assert again == sum(place in self.ever for place in places)
                self.ever.update(places)
            for node in some:
                path = self.tree.path(node)
                line = self.table.path(node)
                assert [self.content[slot] for slot in line] == [
                    tuple(path[: index + 1]) for index in range(len(path))
                ]
                assert self.table.slots([node])[0] == line[-1]
            at += len(some)

    @rule()
    def clear(self) -> None:
        self.table.clear()
        self.tree.clear()
        self.nodes, self.content, self.ever = [], {}, set()
        assert self.table.used == 0

    @invariant()
    def bounded(self) -> None:
        table, tree = self.table, self.tree
        assert table.used == sum(table.warm)
        assert table.limit is None or (table.used <= table.limit and table.top <= table.limit + 1)
        held = [
            int(slot)
            for segment, count in enumerate(table.warm)
            for slot in table.slots([(segment << OFFSET_BITS) + k for k in range(count)])
        ]
        assert 0 not in held and len(set(held)) == len(held)
        for segment, count in enumerate(table.warm):
            above = tree.parents[segment]
            assert not count or above == ROOT or table.is_warm(above)


Cache.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
TestCache = Cache.TestCase


def _warm(table: SlotTable, node: int) -> None:
    batch = take(table, [node], 0)
    table.touch([node])
    for spans in cut(batch.spans):
        open_call(table, spans, [node])
        table.commit(spans)


def test_least_recently_used_ends_go_first() -> None:
    tree = Tree()
    table = SlotTable(tree, limit=12)
    root = tree.extend(ROOT, [1, 2, 3, 4])
    old = tree.extend(root, [5, 6, 7])
    new = tree.extend(root, [8, 9, 10])
    for node in (old, new):
        _warm(table, node)
    _warm(table, tree.extend(root, [11, 12, 13]))
    # Old shares its segment with the root: its end goes, what carries the others stays.
    assert not table.is_warm(old) and table.is_warm(old - 2) and table.is_warm(root)
    assert table.is_warm(new)
    _warm(table, old)
    assert table.is_warm(old) and not table.is_warm(new)


def test_paths_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    from treeseek.backends import slots

    monkeypatch.setattr(slots, "PATH_ROOM", 200)
    tree = Tree()
    table = SlotTable(tree)
    node = tree.extend(ROOT, [0] * 30)
    nodes = [node]
    for step in range(60):
        tree.add(nodes[-1], 1)
        nodes.append(tree.add(nodes[-1], 2 + step))
    _warm(table, nodes[-1])
    for node in nodes:
        line = table.path(node)
        assert len(line) == tree.depth(node) and len(np.unique(line)) == len(line)
    assert table._path_room <= 200 + 2 * len(table.path(nodes[-1]))


def test_no_room_is_refused() -> None:
    with pytest.raises(InvalidOption, match="slots=0"):
        SlotTable(Tree(), limit=0)
