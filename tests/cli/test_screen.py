"""Screens: how often they speak, and that what a model wrote cannot steer a terminal."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from treeseek.cli.screen import Board, Lines, Silence, Standing, screen, shown


def test_plain_lines_become_rarer(capsys: pytest.CaptureFixture[str]) -> None:
    now = [0.0]
    lines, made = Lines(clock=lambda: now[0]), []

    def standing() -> Standing:
        made.append(now[0])
        return Standing("beam on toy", 0.5, (f"{now[0]:.0f} s",), "abc")

    for tick in range(6_000):
        now[0] = tick / 100
        lines.show(standing)
    assert [round(at) for at in made] == [1, 3, 7, 15, 31]
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("\n") == len(made)
    assert said.err.splitlines()[0] == ("treeseek: beam on toy, 50% of the budget, 1 s, best abc")


def test_silence_makes_no_standing(capsys: pytest.CaptureFixture[str]) -> None:
    with screen(quiet=True) as board:
        assert type(board) is Silence
        board.show(lambda: pytest.fail("nobody looks"))
        board.note("nobody reads")
    assert capsys.readouterr() == ("", "")


def test_a_pipe_gets_lines() -> None:
    assert isinstance(screen(quiet=False), Lines)


def test_a_board_shows_a_standing_and_clears_itself() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=60, color_system=None)
    with Board(console) as board:
        board.show(lambda: Standing("beam on toy", 0.25, ("7 tokens",), "[bold]x\x1b[31m" * 9))
        board.note("a line [red] that stays")
        board._live.refresh()
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    assert "beam on toy" in drawn and "7 tokens" in drawn and "[bold]x" in drawn
    assert "treeseek: a line [red] that stays" in drawn
    assert "\x1b[31m" not in drawn


@given(st.text(max_size=80), st.integers(2, 40))
def test_shown_text_is_one_printable_line(text: str, most: int) -> None:
    line = shown(text, most)
    assert len(line) <= most and line.isprintable()
    if len(text) <= most and text.isprintable():
        assert line == text
