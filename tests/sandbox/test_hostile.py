"""Programs that try to do harm: held, they do none and are reported; bare, they do."""

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.hostile import FAKES, NOWHERE, PROGRAMS, Hostile
from tests.sandbox.stage import Stage, held
from treeseek.sandbox import TIERS, Sandbox, Test

ThrownAway = Callable[[str, list[str]], dict[str, dict[str, str]]]
FAMILIES = list(dict.fromkeys(hostile.family for hostile in PROGRAMS))
FIRST = [next(one for one in PROGRAMS if one.family == family) for family in FAMILIES]
# What the weakest tier says that it leaves open, by the word that says so.
OPEN = {
    "read": "reading",
    "write": "writing",
    "proc": "reading",
    "socket": "network",
    "fork": "starting processes",
    "exec": "starting processes",
    "leave": "leaving",
    "signal": "signals",
    "state": "leaving",
}
STOPPED = ("loop", "wait", "memory", "flood", "fill", "descriptors")


def key(hostile: Hostile) -> str:
    return f"{hostile.family}: {hostile.name}"


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.close()


def held_safely(programs: list[Hostile], sandbox: Sandbox, stage: Stage) -> None:
    for hostile in programs:
        ran, harm = held(hostile, stage, sandbox)
        assert not harm, f"{key(hostile)}: {harm}"
        assert ran.reason in hostile.reported, f"{key(hostile)}: {ran}"
        assert ran.tier == sandbox.tier.name
    after = sandbox.run("import os\nprint(os.listdir(), 'fine')")
    assert after.stdout == "[] fine\n"


def test_there_are_enough_of_them() -> None:
    """Of those that are seen to work outside of a tier, too."""
    assert len(outside(PROGRAMS)) == len(PROGRAMS) - len(NOWHERE) >= 200
    assert len({key(hostile) for hostile in PROGRAMS}) == len(PROGRAMS)
    assert all("ok" not in hostile.reported for hostile in PROGRAMS)


def test_one_of_each_family_does_no_harm(sandbox: Sandbox, stage: Stage) -> None:
    held_safely(FIRST, sandbox, stage)


@pytest.mark.slow
def test_none_of_them_does_harm(sandbox: Sandbox, stage: Stage) -> None:
    held_safely(PROGRAMS, sandbox, stage)


def outside(programs: list[Hostile]) -> list[str]:
    """The keys of those that a throw-away namespace can hold."""
    return [key(hostile) for hostile in programs if key(hostile) not in NOWHERE]


def works_bare(programs: list[Hostile], thrown_away: ThrownAway) -> None:
    tried = thrown_away("bare", outside(programs))
    idle = [name for name, found in tried.items() if not found["harm"]]
    assert not idle


def test_one_of_each_family_works_outside_of_a_tier(thrown_away: ThrownAway) -> None:
    works_bare(FIRST, thrown_away)


@pytest.mark.slow
def test_all_of_them_work_outside_of_a_tier(thrown_away: ThrownAway) -> None:
    works_bare(PROGRAMS, thrown_away)


def weakly(programs: list[Hostile], thrown_away: ThrownAway) -> None:
    """The weakest tier stops what it says and fails those it says that it does not stop."""
    said = " ".join(TIERS[-1].leaves)
    assert all(word in said for word in OPEN.values())
    chosen = {key(one): one for one in programs if one.family in (*OPEN, *STOPPED)}
    for name, found in thrown_away("weak", list(chosen)).items():
        family = chosen[name].family
        if family in STOPPED:
            assert not found["harm"] and found["reason"] in chosen[name].reported, found
        elif name not in ("socket: raw", "socket: packet"):  # these need a superuser
            assert found["harm"] and found["reason"] == "ok", found


def test_the_weakest_tier_fails_one_of_each_family_it_leaves_open(thrown_away: ThrownAway) -> None:
    weakly(FIRST, thrown_away)


@pytest.mark.slow
def test_the_weakest_tier_fails_all_that_it_leaves_open(thrown_away: ThrownAway) -> None:
    weakly(PROGRAMS, thrown_away)


@pytest.mark.parametrize("name", FAKES)
def test_a_program_cannot_pretend_to_pass(name: str, strongest: Sandbox) -> None:
    found = strongest.check(FAKES[name], Test("assert abs(f(2) - 5) < 1"))
    assert not found.passed, found
    assert not strongest.check(FAKES[name], Test("assert f(2) == 5")).passed


def test_pretending_works_where_a_test_shares_the_process(strongest: Sandbox) -> None:
    """The control: the same programs, with the test appended, are believed."""
    fooled = [
        name
        for name, source in FAKES.items()
        if strongest.run(f"{source}\nassert f(2) == 5\n").reason == "ok"
    ]
    assert {"exit", "exit late", "sys.exit", "equal to all", "a number that lies"} <= {*fooled}
    assert strongest.check("def f(x): return x + 3", Test("assert f(2) == 5")).passed


def test_a_program_holds_no_word_of_its_tests(strongest: Sandbox) -> None:
    search = (
        "import gc\ndef f(x):\n"
        "    word = ''.join(reversed('soreconihr'))\n"
        "    return any(word in repr(one) for one in gc.get_objects())\n"
    )
    assert strongest.check(search, Test("rhinoceros = 1\nassert f(2) is False")).passed
    known = search + "animal = ['rhinoceros']\n"
    assert strongest.check(known, Test("assert f(2) is True")).passed


def test_what_the_page_says_of_the_tiers_is_what_they_say() -> None:
    page = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")
    plain = re.sub(r"\s+", " ", page)
    for tier in TIERS:
        for said in (*tier.stops, *tier.leaves):
            assert said in plain, f"{tier.name}: {said}"


def test_the_page_shows_what_happens(
    strongest: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs/sandbox.md").read_text(encoding="utf-8")
    code = page.partition("```python\n")[2].partition("```")[0]
    names: dict[str, Callable[[], None]] = {}
    exec(code, names)
    names["tried"]()
    shown = re.findall(r"  # (.*)$", code, re.MULTILINE)
    assert capsys.readouterr().out.split() == " ".join(shown).split()


def test_the_stage_is_run_in_a_namespace_only() -> None:
    from tests.sandbox import stage

    assert os.getpid() != 1
    with pytest.raises(AssertionError, match="first process"):
        stage.main("bare", [json.dumps("read: open by path")])
