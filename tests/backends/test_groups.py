"""Every row sees its own path, all of it and nothing else, however rows are grouped."""

import random

import numpy as np
import pytest

from treeseek.backends import groups
from treeseek.backends.groups import Group
from treeseek.backends.plan import Call, cut, open_call, take
from treeseek.backends.slots import SlotTable
from treeseek.tree import OFFSET_BITS, ROOT, Tree


def seen(group: Group, row: int) -> dict[int, int]:
    """Slot -> depth of what `row` of the group sees."""
    keys = group.keys
    slots = np.arange(*keys) if isinstance(keys, tuple) else keys
    visible = np.ones(len(slots), bool)
    if group.visible is not None:
        visible[group.prefix :] = group.visible[row]
    assert (
        len(slots)
        == len(group.key_depths)
        == group.prefix
        + (len(slots) - group.prefix if group.visible is None else group.visible.shape[1])
    )
    found = dict(zip(slots[visible].tolist(), group.key_depths[visible].tolist(), strict=True))
    assert len(found) == visible.sum(), "a key is read twice"
    return found


def check(table: SlotTable, call: Call, found: list[Group]) -> None:
    places = [(s << OFFSET_BITS) + o for s, a, b in call.spans for o in range(a, b)]
    covered = []
    for group in found:
        rows = range(len(places)) if group.rows is None else group.rows.tolist()
        assert len(group.depths) == len(rows)
        covered.extend(rows)
        for at, row in enumerate(rows):
            path = table.path(places[row]).tolist()
            assert seen(group, at) == {slot: depth for depth, slot in enumerate(path)}
            assert group.depths[at] == call.depths[row] == len(path) - 1
    assert sorted(covered) == list(range(len(places)))


def grown(rng: random.Random, table: SlotTable, *, prompts: int, long: int) -> list[int]:
    tree = table.tree
    nodes = [
        tree.extend(ROOT, [1, *(rng.randrange(50) for _ in range(rng.randrange(long)))])
        for _ in range(prompts)
    ]
    for _ in range(rng.randrange(60)):
        at = rng.choice(nodes)
        back = rng.randrange(4)
        at = at - min(back, at & 0xFFFFFF)
        length = rng.choice([1, 1, 1, 2, 3, 20])
        nodes.append(tree.extend(at, [rng.randrange(50) for _ in range(length)]))
    return nodes


@pytest.mark.parametrize("seed", range(60))
def test_rows_see_their_paths(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    # Prices move the borders between layouts; no layout may depend on them for its truth.
    monkeypatch.setattr(groups, "GROUP_COST", rng.choice([0.0, 50.0, 1500.0, 1e9]))
    monkeypatch.setattr(groups, "GATHER_COST", rng.choice([0.0, 4.0, 1e6]))
    monkeypatch.setattr(groups, "LONG_TAIL", rng.choice([1, 8, 128]))
    monkeypatch.setattr(groups, "CHAIN", rng.choice([2, 16]))
    table = SlotTable(Tree(), limit=rng.choice([None, 900]))
    for _ in range(4):
        nodes = grown(rng, table, prompts=rng.choice([1, 3]), long=rng.choice([3, 40, 200]))
        asked = list(dict.fromkeys(rng.choices(nodes, k=rng.randrange(1, 30))))
        batch = take(table, asked, 0)
        table.touch(asked)
        for spans in cut(batch.spans, rng.choice([5, 512])):
            call = open_call(table, spans, asked)
            check(table, call, groups.group(table, call))
            check(table, call, groups.whole(table, call))
            table.commit(spans)


def test_unrelated_prompts_part_and_beams_stay_together() -> None:
    tree = Tree()
    table = SlotTable(tree)
    prompts = [tree.extend(ROOT, [1, *range(k, k + 300)]) for k in range(3)]
    leaves = [tree.extend(p, [t, t + 1]) for p in prompts for t in range(1000, 1008)]
    batch = take(table, prompts, 0, rows=10**6)
    open_call(table, batch.spans, prompts)
    table.commit(batch.spans)
    batch = take(table, leaves, 0)
    call = open_call(table, batch.spans, leaves)
    found = groups.group(table, call)
    assert sorted(len(group.depths) for group in found) == [16, 16, 16]
    read = sum(len(group.key_depths) for group in found)
    assert read <= 3 * (301 + 48), "a prompt is read once for its rows"
