"""What the pages say of the project is so: links, files, names, tables, sizes."""

import importlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import treeseek
from tests.backends.families import FAMILIES, MORE
from tests.docs.pages import PAGES, ROOT
from treeseek import registry
from treeseek.references import REFERENCES

PROSE = [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]
NAMES = [page.name for page in PROSE]
README = ROOT / "README.md"


def prose(page: Path) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) < 200


@pytest.mark.parametrize("page", PROSE, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(file), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PROSE, ids=NAMES)
def test_files_and_names_exist(page: Path) -> None:
    """Paths in backticks are files of the repository, dotted names can be imported."""
    folders = "src|tests|docs|examples|tools|training|benchmarks"
    for quoted in re.findall(r"`([^`\n]+)`", prose(page)):
        if re.fullmatch(rf"(?:{folders})/[\w/.*-]*", quoted):
            assert list(ROOT.glob(quoted.rstrip("/"))), f"{page.name}: {quoted}"
        name = re.match(r"treeseek(?:\.\w+)+", quoted)
        if name:
            assert exists(name[0]), f"{page.name}: {quoted}"


def exists(name: str) -> bool:
    found, parts = treeseek, name.split(".")[1:]
    for index, part in enumerate(parts):
        if not hasattr(found, part):
            try:
                importlib.import_module(".".join(["treeseek", *parts[: index + 1]]))
            except ImportError:
                return False
        found = getattr(found, part)
    return True


def test_every_strategy_has_its_line() -> None:
    """The README's table and the page on strategies name all of them and no other."""
    known = registry.names("strategies")
    rows = re.findall(r"^\| (`[a-z-].*?`) \|.*\| ?(.*?) ?\|$", README.read_text(), re.MULTILINE)
    several = [(re.findall(r"`([a-z-]+)`", names), papers) for names, papers in rows]
    assert sorted(name for names, _ in several for name in names) == known
    described = re.findall(r"^\*\*([a-z-]+)\*\* ", prose(ROOT / "docs/strategies.md"), re.MULTILINE)
    assert sorted(described) == known
    alone = [(names[0], papers) for names, papers in several if len(names) == 1]
    for name, papers in alone:
        keys = registry.find("strategies", name).references
        entries = " ".join(REFERENCES[key] for key in keys)
        cited = re.findall(r"([A-Z]\w+)(?: et al\.)? (\d{4})", papers)
        assert bool(cited) == bool(keys), f"{name}: {papers!r} against {keys}"
        for author, year in cited:
            assert author in entries and year in entries, f"{name}: {author} {year}"


def test_every_room_is_on_the_plan() -> None:
    """docs/design.md names each module of src/treeseek; of a folder, itself or all its modules."""
    source = ROOT / "src" / "treeseek"
    table = re.findall(r"^\| (`.*?) \|", prose(ROOT / "docs/design.md"), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`([\w/.]+)`", row)}
    for path in source.rglob("*.py"):
        if path.name[0] != "_":
            room = path.relative_to(source)
            homes = {room.as_posix(), *(f"{parent}/" for parent in room.parents)}
            assert homes & named, f"docs/design.md does not name {room}"
    for name in named:
        if re.fullmatch(r"[\w/]+\.py|\w+/", name) and not name.startswith("tests/"):
            assert (source / name).exists(), f"docs/design.md names {name}"


def test_every_family_is_on_its_route() -> None:
    """docs/your-own-model.md lists the families that the backend's tests hold to each route."""
    page = prose(ROOT / "docs/your-own-model.md")
    rows = dict(re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", page, re.MULTILINE))
    named: dict[str, set[str]] = {}
    for family in [*FAMILIES, *MORE]:
        for route in family.routes:
            named.setdefault(route, set()).add(family.kind)
    for route, kinds in named.items():
        listed = {name.split(" ")[0] for name in rows[route].split(", ")}
        assert listed == kinds, route


def test_the_threads_are_those_that_are_taken() -> None:
    """The page and the help text name the bounds of the loader's rule."""
    from treeseek.backends.hf import MANY, SMALL, TINY
    from treeseek.cli.verbs import treeseek as command

    rule = f"1 under {TINY // 10**6}M parameters, 2 under {SMALL // 10**6}M, else at most {MANY}"
    help_text = CliRunner().invoke(command, ["run", "--help"]).stdout
    for said in (prose(ROOT / "docs/your-own-model.md"), " ".join(help_text.split())):
        assert rule in said
    size = treeseek.load("embedded").backend.head.model.num_parameters()
    assert size < TINY, "README.md says that the embedded model takes one thread"


def test_the_ceilings_are_those_that_are_checked() -> None:
    from tools.sizes import CORE, ENGINE, FILE, SMALL

    page = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert f"at most {FILE} lines" in page and f"selector {SMALL}," in page
    assert f"the core {CORE:,} together and the rooms around it {ENGINE:,}" in page


def test_every_law_has_its_test() -> None:
    """The law tests that exist are those the page lists."""
    listed = set(re.findall(r"`(tests/laws/test_\w+\.py)`", prose(ROOT / "docs/design.md")))
    found = {f"tests/laws/{path.name}" for path in (ROOT / "tests/laws").glob("test_*.py")}
    assert listed == found


@pytest.mark.parametrize("page", PROSE, ids=NAMES)
def test_house_words(page: Path) -> None:
    """No machine's paths, no unfinished sentences, lines that fit a screen."""
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|work|tmp)/\w|\bTODO\b|\bTBD\b", text)
    for line in prose(page).splitlines():
        assert len(line) <= 104 or line.startswith("|"), f"{page.name}: {line}"


def test_the_picture_is_ours() -> None:
    """docs/tree.svg was drawn by the viewer, and is small enough to be kept."""
    from xml.etree import ElementTree

    picture = ROOT / "docs" / "tree.svg"
    assert picture.stat().st_size < 200_000
    root = ElementTree.parse(picture).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "embedded" in "".join(root.itertext())


def test_the_changelog_knows_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## \[?([^\]\s]+)\]?", text, re.MULTILINE)
    assert heads[0] == "Unreleased" or heads[0] == treeseek.__version__
    assert (ROOT / "LICENSE").is_file()
