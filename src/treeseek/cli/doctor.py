"""`treeseek doctor`: what is installed, and how a model is served on this machine."""

import platform
import sys
import time
import warnings
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from treeseek import __version__
from treeseek.cli import faults
from treeseek.cli.law import loaded, model_options
from treeseek.errors import TreeseekError
from treeseek.loading import EMBEDDED
from treeseek.model import LM

_PACKAGES = ("numpy", "click", "rich", "torch", "transformers", "tokenizers", "safetensors")
_PATHS = {
    "toy": "a function of the path; nothing to test",
    "native": "a whole frontier of nodes in one call of compiled kernels",
    "fused": "a whole frontier of nodes in one call of our own forward",
    "tree": "a whole frontier of nodes in one forward call, through the attention interface",
    "mask": "a whole frontier of nodes in one forward call, under an explicit mask",
    "replay": "each path from its start: slower, for models that a tree would get wrong",
}


@click.command()
@model_options
def doctor(**options: Any) -> int:
    """Say what is installed, load a model, and say how it is served and why.

    Loading tests the model: a random tree against its plain forward. Exit code 1 if it cannot be
    used, with the reason.

    \b
    Examples:
      treeseek doctor
      treeseek doctor -m ./my-model --dtype bfloat16
    """
    _row("treeseek", __version__)
    _row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        _row(package, _version(package))
    weights = EMBEDDED / "model.safetensors"
    size = f"{weights.stat().st_size / 1e6:.1f} MB" if weights.is_file() else "missing"
    _row("embedded model", size)
    _row("model", options["model"])
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lm = loaded(options)
    except TreeseekError as error:
        _row("", f"cannot be used: {error}")
        return faults.FAILED
    _describe(lm, time.perf_counter() - began)
    return 0


def _describe(lm: LM, seconds: float) -> None:
    backend, can = lm.backend, lm.backend.capabilities
    _row("loaded in", f"{seconds:.2f} s")
    _row("path", f"{can.path}: {_PATHS.get(can.path, '')}".rstrip(": "))
    for note in can.notes:
        _row("note", note)
    tested = can.path != "toy"
    _row("self-test", "passed: rows of a random tree equal the plain forward" if tested else "none")
    exact = "the same whatever is in the call" if can.exact else "within rounding of the call"
    _row("tier", f"{can.tier}, rows {exact}")
    _row("vocabulary", f"{lm.vocabulary:,} tokens, {len(lm.ends)} of them end a text")
    _row("context", "no bound" if backend.context is None else f"{backend.context:,} tokens")
    _row("slots", "no bound" if backend.slots is None else f"{backend.slots:,} tokens")
    torch = sys.modules.get("torch")
    if torch is not None:
        _row("torch threads", str(torch.get_num_threads()))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed: pip install 'treeseek[hf]'"


def _row(name: str, text: str) -> None:
    click.echo(f"{name:<16}{text}")
