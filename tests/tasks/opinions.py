"""Second opinions on answers to puzzles: written another way, slow, and trusting the form."""

import itertools
from fractions import Fraction

from treeseek.tasks import bin_packing, blocksworld, game24, knapsack, tsp


def reached_24(problem: game24.Puzzle, text: str) -> float:
    """Replay with fractions on a plain list."""
    left = [Fraction(n) for n in problem.numbers]
    for line in text.split("\n"):
        term = line.partition("=")[0]
        for sign in "+-*/":
            depth = 0
            for place, letter in enumerate(term):
                depth += {"(": 1, ")": -1}.get(letter, 0)
                if depth == 0 and letter == sign:
                    a, b = (Fraction(t.strip("()")) for t in (term[:place], term[place + 1 :]))
                    left.remove(a)
                    left.remove(b)
                    left.append(eval("a " + sign + " b", {"a": a, "b": b}))
                    break
    return float(left == [24])


def stands(problem: blocksworld.Puzzle, text: str) -> float:
    """Replay on a map from each block to what it stands on."""
    on = {b: below for tower in problem.begin for b, below in zip(tower, "-" + tower, strict=False)}
    goal = {
        b: below for tower in problem.goal for b, below in zip(tower, "-" + tower, strict=False)
    }
    for line in text.split("\n"):
        block, onto = line[0], line[2]
        assert block not in on.values(), "it was covered"
        assert onto == "-" or onto not in on.values()
        on[block] = onto
    return float(on == goal)


def packed(problem: knapsack.Puzzle, text: str) -> float:
    """Value over the best of all subsets, or 0 where it is too heavy."""
    items = problem.items

    def worth(chosen: tuple[int, ...]) -> int:
        heavy = sum(items[i][0] for i in chosen)
        return sum(items[i][1] for i in chosen) if heavy <= problem.room else 0

    chosen = tuple("abcdefghijklmnop".index(line[0]) for line in text.split("\n"))
    subsets = itertools.chain.from_iterable(
        itertools.combinations(range(len(items)), size) for size in range(len(items) + 1)
    )
    return worth(chosen) / max(map(worth, subsets))


def binned(problem: bin_packing.Puzzle, text: str) -> float:
    """Fewest bins by trying every assignment over the bins of the last line."""
    used = len(text.split("\n")[-1].partition(":")[2].split())
    items = problem.items
    for bins in range(1, len(items) + 1):
        for chosen in itertools.product(range(bins), repeat=len(items)):
            filled = [0] * bins
            for item, into in zip(items, chosen, strict=True):
                filled[into] += item
            if max(filled) <= problem.room:
                return bins / used
    raise AssertionError("each item fits alone")


def toured(problem: tsp.Puzzle, text: str) -> float:
    """Shortest of all permutations over this one."""

    def length(tour: tuple[int, ...]) -> int:
        places = [problem.towns[i] for i in (0, *tour, 0)]
        pairs = itertools.pairwise(places)
        return sum(abs(a - c) + abs(b - d) for (a, b), (c, d) in pairs)

    tour = tuple("abcdefghij".index(line[0]) for line in text.split("\n"))[:-1]
    shortest = min(map(length, itertools.permutations(range(1, len(problem.towns)))))
    return shortest / length(tour)
