"""Loading a Hugging Face causal language model, by folder or by hub id, as a backend.

A model that cannot be trusted is refused here, with the reason: weights that transformers would
quietly initialise at random, a tokenizer with more tokens than the model has. Importing this module
imports neither torch nor transformers. Code shipped inside a model folder is never run.
"""

import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeseek.errors import (
    BrokenWeights,
    InvalidOption,
    MissingExtra,
    NotAModel,
    VocabularyMismatch,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from treeseek.backends.protocol import Backend

DTYPES = ("float32", "bfloat16", "float16", "int8")
SMALL = 100_000_000
"""Parameters below which more than two threads wait for each other more than they work."""
TINY = 10_000_000
"""Parameters below which a second thread only waits, and on a busy machine waits long."""
MANY = 8
"""Most threads that are taken unasked."""
SLOW = ("mask", "replay")
_HARMLESS = re.compile(r"inv_freq|masked_bias|attn\.bias|attention\.bias|position_ids")


class TreeWarning(UserWarning):
    """A model is served by a slower route than the tree; the message says which and why."""


def load_hf(
    model: str | Path,
    *,
    dtype: Any = None,
    device: Any = None,
    threads: int | None = None,
    deterministic: bool | None = None,
    slots: int | None = None,
    nodes: int | None = None,
) -> tuple["Backend", Any]:
    """Load the model in folder or hub id `model`; return the backend and its tokenizer.

    `dtype` defaults to float32 on a CPU and to the stored one elsewhere; int8 rounds the weights
    of Llama-shaped models on a CPU. `device` defaults to a GPU where there is one, `threads`
    (torch's, for the process) to 1, 2 or, for large models, at most 8, `slots` to a quarter of the
    memory, `nodes` to no bound. Costs the load, a self-test of two short forwards, and once for a
    model on a machine under a second to time its calls. Raises MissingExtra, NotAModel,
    BrokenWeights, VocabularyMismatch, InvalidOption, Incompatible.
    """
    torch = libraries()
    place = place_of(torch, device)
    kind = _dtype(torch, dtype, place)
    if threads is not None and threads < 1:
        raise InvalidOption(f"threads={threads}: give at least one thread.")
    name = os.fspath(model)
    with quiet():
        config = config_of(name)
        eight = str(dtype).removeprefix("torch.") == "int8"
        if eight:
            _admits_eight(name, config, place)
        tokenizer = tokenizer_of(name)
        network = _network(name, config, kind)
    rows = network.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        raise VocabularyMismatch(
            f"The tokenizer in {name} has {len(tokenizer)} tokens and the model's embedding "
            f"{rows}: the two do not belong together; use the tokenizer the model was made with."
        )
    network = network.to(place).eval()
    if threads is not None or place.type == "cpu":
        torch.set_num_threads(threads or _threads(network.num_parameters()))
    from treeseek.backends.calibration import calibrate
    from treeseek.backends.eight import round_weights
    from treeseek.backends.local import LocalBackend
    from treeseek.backends.selftest import serve

    if eight:
        round_weights(network)
    with quiet():
        backend = serve(network, slots=slots, nodes=nodes, eight=eight, deterministic=deterministic)
    if isinstance(backend, LocalBackend) and place.type == "cpu":
        backend.rows = calibrate(backend).most()
    announce(backend)
    return backend, tokenizer


def value_weights(source: str) -> "dict[str, NDArray[Any]] | None":
    """The tensors of `value.safetensors` in the folder `source`, None where there is none."""
    file = Path(source) / "value.safetensors"
    if not file.is_file():
        return None
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        weights: dict[str, NDArray[Any]] = load_file(file)
    except (OSError, SafetensorError) as error:
        raise BrokenWeights(f"{file} cannot be read ({_first(error)}): delete it.") from None
    return weights


def announce(backend: "Backend") -> None:
    """Warn of every reason why `backend` serves its model by a route far slower than a tree."""
    for note in backend.capabilities.notes if backend.capabilities.path in SLOW else ():
        warnings.warn(note, TreeWarning, stacklevel=4)


def libraries() -> Any:
    """torch, once both libraries are known to be there; raises MissingExtra."""
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingExtra(
            f"Loading a Hugging Face model needs torch and transformers ({error}): "
            "pip install 'treeseek[hf]'"
        ) from None
    if int(transformers.__version__.split(".")[0]) < 5:
        raise MissingExtra(
            f"transformers {transformers.__version__} is too old, 5 or later is needed: "
            "pip install -U 'treeseek[hf]'"
        )
    return torch


def place_of(torch: Any, device: Any) -> Any:
    """The device called `device`, a GPU by default where there is one; raises InvalidOption."""
    name = str(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    try:
        place = torch.device(name)
        torch.empty(1, device=place).cpu()
    except (RuntimeError, AssertionError) as error:
        raise InvalidOption(
            f"device={name!r} cannot be used here: choose cpu, or cuda where torch finds a GPU "
            f"({_first(error)})."
        ) from error
    return place


def _dtype(torch: Any, dtype: Any, place: Any) -> Any:
    if dtype is None:
        return torch.float32 if place.type == "cpu" else "auto"
    name = str(dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise InvalidOption(f"dtype={name!r}: choose one of {', '.join(DTYPES)}.")
    return torch.float32 if name == "int8" else getattr(torch, name)


def _admits_eight(name: str, config: Any, place: Any) -> None:
    from treeseek.backends.selftest import FUSED

    if config.model_type not in FUSED or place.type != "cpu":
        raise InvalidOption(
            f"dtype='int8' serves {', '.join(FUSED)} on a CPU, and {name} is {config.model_type} "
            f"on {place.type}: choose another dtype."
        )


def _threads(parameters: int) -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    most = 1 if parameters < TINY else 2 if parameters < SMALL else MANY
    return max(1, min(cores or 1, most))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' progress bars and reports: what matters is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def config_of(name: str) -> Any:
    """The configuration in folder or hub id `name`; raises NotAModel."""
    from transformers import AutoConfig

    folder = Path(name).expanduser()
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise NotAModel(
            f"{name} holds no config.json: give the folder of a Hugging Face model, the one with "
            "config.json, model.safetensors and tokenizer.json."
        )
    if not folder.is_dir() and (folder.exists() or ("/" in name and len(folder.parts) != 2)):
        raise NotAModel(f"{name} is no folder: give a model's folder or a hub id (owner/name).")
    try:
        return AutoConfig.from_pretrained(folder if folder.is_dir() else name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NotAModel(
            f"{name} cannot be read as a model configuration ({_first(error)}): check the name, "
            "or download the model and give its folder."
        ) from error


def tokenizer_of(name: str) -> Any:
    """The tokenizer in folder or hub id `name`; raises NotAModel."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except Exception as error:
        raise NotAModel(
            f"{name} has no tokenizer that can be read ({_first(error)}): put tokenizer.json and "
            "tokenizer_config.json beside config.json."
        ) from error
    # A text longer than the context is refused by us, in our words.
    tokenizer.deprecation_warnings["sequence-length-is-longer-than-the-specified-maximum"] = True
    return tokenizer


def _network(name: str, config: Any, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise NotAModel(
            f"{name} is a {config.model_type} model, not a causal language model: give one that "
            "predicts the next token."
        )
    return weights(AutoModelForCausalLM, name, config, dtype)


def weights(auto: Any, name: str, config: Any, dtype: Any) -> Any:
    """The model of `auto` in `name`, all of whose weights are its own; raises BrokenWeights."""
    remedy = "download it again, or check that config.json belongs to it."
    try:
        network, report = auto.from_pretrained(
            name, config=config, dtype=dtype, output_loading_info=True
        )
    except Exception as error:
        raise BrokenWeights(
            f"The weights of {name} cannot be read ({_first(error)}): {remedy}"
        ) from error
    for trouble in ("missing_keys", "mismatched_keys", "unexpected_keys", "error_msgs"):
        found = sorted(str(key) for key in report.get(trouble) or ())
        found = [key for key in found if not _HARMLESS.search(key)]
        if found:
            some = ", ".join(found[:3]) + (f" and {len(found) - 3} more" if found[3:] else "")
            what = trouble.partition("_")[0].replace("error", "unreadable")
            raise BrokenWeights(f"The weights of {name} do not fit: {what} {some}; {remedy}")
    return network


def _first(error: BaseException) -> str:
    """First line of a message that may go on for pages."""
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
