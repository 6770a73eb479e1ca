"""The tree: what was added is found again, at the same address, under the same name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeseek.errors import ContextOverflow, InvalidOption
from treeseek.tree import EMPTY_NAME, ROOT, Tree, child_name, path_name

PATHS = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=8), min_size=1, max_size=20)


@given(paths=PATHS, whole=st.booleans())
def test_a_prefix_has_one_address_however_it_was_added(paths: list[list[int]], whole: bool) -> None:
    tree, addresses = Tree(), {(): ROOT}
    for path in paths:
        node = ROOT
        if whole:
            node = tree.extend(ROOT, path)
        else:
            for token in path:
                node = tree.add(node, token)
        assert addresses.setdefault(tuple(path), node) == node
    for path, node in addresses.items():
        assert tree.path(node) == list(path)
        assert tree.depth(node) == len(path)
        if path:
            assert tree.token(node) == path[-1]
            assert tree.find(tree.parent(node), path[-1]) == node
    prefixes = {tuple(path[:end]) for path in paths for end in range(1, len(path) + 1)}
    assert len(tree) == len(prefixes)
    assert len({tree.extend(ROOT, list(prefix)) for prefix in prefixes}) == len(prefixes)


@given(paths=PATHS, cut=st.integers(0, 8))
def test_a_path_can_be_read_from_any_ancestor(paths: list[list[int]], cut: int) -> None:
    tree = Tree()
    for path in paths:
        node = tree.extend(ROOT, path)
        above = tree.extend(ROOT, path[:cut])
        assert tree.path(node, above) == path[cut:]


@given(paths=PATHS)
def test_names_tell_prefixes_apart_and_compose(paths: list[list[int]]) -> None:
    names = {path_name(path): tuple(path) for path in paths}
    assert len(names) == len({tuple(path) for path in paths})
    for path in paths:
        assert child_name(path_name(path[:-1]), path[-1]) == path_name(path)
        assert path_name(path[2:], path_name(path[:2])) == path_name(path)
    assert path_name([]) == EMPTY_NAME


def test_a_name_is_the_same_in_every_process() -> None:
    assert path_name([1, 2, 3]) == path_name(iter((1, 2, 3)))
    assert f"{path_name([5, 0, 7]):032x}" == "72139336f068d6ab2a57f07a4cfee5d0"


def test_a_leading_zero_token_is_a_token() -> None:
    assert len({path_name([0] * count) for count in range(9)}) == 9


def test_room_is_bounded_and_the_error_says_what_to_do() -> None:
    tree = Tree(nodes=3)
    node = tree.extend(ROOT, [1, 2, 3])
    with pytest.raises(ContextOverflow, match=r"clear\(\).*larger nodes="):
        tree.add(node, 4)
    assert tree.extend(ROOT, [1, 2, 3]) == node
    generation = tree.generation
    tree.clear()
    assert (len(tree), tree.generation) == (0, generation + 1)
    tree.extend(ROOT, [4, 5, 6])
    with pytest.raises(InvalidOption, match="at least one"):
        Tree(nodes=0)
