"""llama.cpp in this process, call by call: `python -m benchmarks.llama [--write]`.

One call computes one more token at each of N nodes behind a prompt of 64, with all their logits:
here N rows of a tree, there N sequences that share the prompt's cells. The same random weights, two
threads each, in turn. Beside it the floors of this machine: how fast memory can be read and how
fast matrices multiply. Needs `pip install llama-cpp-python gguf`.
"""

import argparse
import ctypes
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arms import Spread
from benchmarks.machine import machine
from benchmarks.models import SHAPES, pair, random_network
from benchmarks.report import machine_line, write_section
from treeseek.backends.calibration import bandwidth, gflops
from treeseek.tree import ROOT

NODES = (1, 8, 64)
PROMPT, THREADS = 64, 2
SIDES = (1024, 2048, 4096)
"""Matrices that are multiplied to find how fast this machine multiplies."""
SETTLE, CALLS = 3, 5
"""Calls of one side in a row: those until the other's threads sleep, and those that count."""
GOALS = {
    "native": {"A": (1.0, 1.2, 1.15), "B": (1.3, 1.3, 1.3)},
    "int8": {"A": (0.5, 1.0, 1.3), "B": (0.7, 1.5, 1.8)},
}
KINDS = {"native": "F32", "int8": "Q8_0"}


def write_gguf(name: str, kind: str, file: Path) -> None:
    """Model A or B as llama.cpp reads it: queries and keys with their halves interleaved."""
    import gguf

    network = random_network(name)
    config = network.config
    out = gguf.GGUFWriter(file, "llama")
    out.add_context_length(config.max_position_embeddings)
    out.add_embedding_length(config.hidden_size)
    out.add_block_count(config.num_hidden_layers)
    out.add_feed_forward_length(config.intermediate_size)
    out.add_head_count(config.num_attention_heads)
    out.add_head_count_kv(config.num_key_value_heads)
    out.add_layer_norm_rms_eps(config.rms_norm_eps)
    out.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    out.add_rope_freq_base(config.rope_parameters["rope_theta"])
    out.add_vocab_size(config.vocab_size)
    out.add_tokenizer_model("none")
    names = {
        "input_layernorm": "attn_norm",
        "self_attn.q_proj": "attn_q",
        "self_attn.k_proj": "attn_k",
        "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output",
        "post_attention_layernorm": "ffn_norm",
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
    }
    given = dict(network.named_parameters())
    tensors = {
        "token_embd": given["model.embed_tokens.weight"],
        "output_norm": given["model.norm.weight"],
    }
    for layer in range(config.num_hidden_layers):
        for theirs, ours in names.items():
            value = given[f"model.layers.{layer}.{theirs}.weight"]
            if ours in ("attn_q", "attn_k"):
                heads = config.num_attention_heads
                value = value.view(heads, 2, -1, value.shape[1]).transpose(1, 2)
                value = value.reshape(-1, value.shape[-1])
            tensors[f"blk.{layer}.{ours}"] = value
    for title, value in tensors.items():
        array = value.detach().numpy()
        if kind == "Q8_0" and array.ndim == 2:
            eight = gguf.GGMLQuantizationType.Q8_0
            array = gguf.quants.quantize(array, eight)
            out.add_tensor(f"{title}.weight", array, raw_dtype=eight)
        else:
            out.add_tensor(f"{title}.weight", array)
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


class Llama:
    """llama.cpp with one prompt held, and calls of N sequences behind it."""

    def __init__(self, file: Path, prompt: list[int]) -> None:
        """Load `file` and put `prompt` through it."""
        import llama_cpp as api

        self.api = api
        self.silence = api.llama_log_callback(lambda *_: None)
        api.llama_log_set(self.silence, ctypes.c_void_p())
        api.llama_backend_init()
        how = api.llama_model_default_params()
        how.n_gpu_layers = 0
        self.model = api.llama_model_load_from_file(str(file).encode(), how)
        assert self.model, f"llama.cpp cannot load {file}"
        how = api.llama_context_default_params()
        how.n_ctx, how.n_batch, how.n_ubatch, how.n_seq_max = 2048, 512, 512, max(NODES) + 1
        how.n_threads = how.n_threads_batch = THREADS
        how.kv_unified = True
        how.flash_attn_type = api.LLAMA_FLASH_ATTN_TYPE_DISABLED
        self.context = api.llama_init_from_model(self.model, how)
        self.memory = api.llama_get_memory(self.context)
        self.batch = api.llama_batch_init(512, 0, 1)
        self.width = api.llama_vocab_n_tokens(api.llama_model_get_vocab(self.model))
        self._decode([(token, at, 0) for at, token in enumerate(prompt)])
        self.depth = len(prompt)

    def call(self, tokens: list[int]) -> np.ndarray[Any, Any]:
        """Logits after each of `tokens`, siblings behind the prompt; forgotten afterwards."""
        api, memory = self.api, self.memory
        for at in range(1, len(tokens) + 1):
            api.llama_memory_seq_cp(memory, 0, at, -1, -1)
        self._decode([(token, self.depth, at) for at, token in enumerate(tokens, 1)])
        found = np.ctypeslib.as_array(
            api.llama_get_logits(self.context), shape=(len(tokens), self.width)
        ).copy()
        for at in range(1, len(tokens) + 1):
            api.llama_memory_seq_rm(memory, at, -1, -1)
        return found

    def _decode(self, rows: list[tuple[int, int, int]]) -> None:
        batch = self.batch
        batch.n_tokens = len(rows)
        for at, (token, position, sequence) in enumerate(rows):
            batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, position, 1
            batch.seq_id[at][0] = sequence
            batch.logits[at] = True
        assert self.api.llama_decode(self.context, batch) == 0


def measured(name: str, route: str, rounds: int) -> dict[str, Any]:
    """Milliseconds a call of both, by N, and their ratios."""
    made = pair(name, prompt=PROMPT, route=route)
    assert made is not None
    torch.set_num_threads(THREADS)
    backend: Any = made.lm.backend
    fresh = iter(range(10**9))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.gguf"
        write_gguf(name, KINDS[route], file)
        peer = Llama(file, made.prompt)
    stem = backend.tree.extend(ROOT, made.prompt)
    list(backend.expand([stem]))

    def ours(tokens: list[int]) -> np.ndarray[Any, Any]:
        return np.concatenate(
            [
                block.logits
                for block in backend.expand([backend.tree.add(stem, token) for token in tokens])
            ]
        )

    result: dict[str, Any] = {}
    arms = {"ours": ours, "theirs": peer.call}
    for nodes, goal in zip(NODES, GOALS[route][name], strict=True):
        first = [next(fresh) % made.lm.vocabulary for _ in range(nodes)]
        ahead, truth = ours(first), peer.call(first)
        error = float(np.abs(ahead - truth).max() / np.abs(truth).max())
        spent: dict[str, list[float]] = {"ours": [], "theirs": []}
        for turn in range(rounds):
            for arm in list(arms)[:: 1 if turn % 2 else -1]:
                burst = []
                for _ in range(SETTLE + CALLS):
                    tokens = [next(fresh) % made.lm.vocabulary for _ in range(nodes)]
                    begin = time.perf_counter()
                    arms[arm](tokens)
                    burst.append(1e3 * (time.perf_counter() - begin))
                spent[arm].append(statistics.median(burst[SETTLE:]))
        mine, theirs = spent["ours"], spent["theirs"]
        ratios = [b / a for a, b in zip(mine, theirs, strict=True)]
        result[str(nodes)] = {
            "ours": Spread.of(mine), "theirs": Spread.of(theirs), "ratio": Spread.of(ratios),
            "goal": goal, "error": error,
        }  # fmt: skip
    return result


def floors(name: str, found: dict[str, Any]) -> list[str]:
    """How near a call comes to what this machine can do, from the same run."""
    width, layers, _, inner = SHAPES[name]
    weights = layers * (4 * width * width + 3 * width * inner) + 32000 * width
    read, made = bandwidth(), max(map(gflops, SIDES))
    one, many = found["1"]["ours"].median, found["64"]["ours"].median
    bytes_floor = 4e-6 * weights / read
    flops_floor = 2e-6 * weights * 64 / made
    return [
        f"Floors of {name} in float32, this run: memory {read:.1f} GB/s, so {bytes_floor:.2f} ms "
        f"at N = 1, of which we reach {bytes_floor / one:.0%}; arithmetic {made:.0f} GFLOP/s, so "
        f"{flops_floor:.1f} ms at N = 64, of which we reach {flops_floor / many:.0%}.",
    ]


def main() -> None:
    """Measure, print, and end in one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", help="a model: A, B")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="write benchmarks/RESULTS.md")
    options = parser.parse_args()
    import llama_cpp

    lines = [
        machine_line(machine(THREADS)) + f" · llama-cpp-python {llama_cpp.__version__}",
        "",
        "One call of N nodes behind 64 tokens, all logits: ms of wall time, median [quartiles] of",
        "rounds, each the median of five calls in a row. error: largest difference of logits,",
        "relative to the largest.",
        "",
        "| model | ours | theirs | N | ours ms | theirs ms | ratio | goal | error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    tail, report = [""], {}
    for name in options.only or ("A", "B"):
        for route, kind in KINDS.items():
            found = report[f"{name} {route}"] = measured(name, route, options.rounds)
            for nodes, cell in found.items():
                cells = [name, route, kind, nodes, cell["ours"], cell["theirs"], cell["ratio"]]
                cells += [cell["goal"], f"{cell['error']:.0e}"]
                lines.append("| " + " | ".join(map(str, cells)) + " |")
            if route == "native":
                tail += floors(name, found)
    print("\n".join(lines + tail))
    if options.write:
        write_section("llama.cpp", lines + tail)
    print(json.dumps(report, default=str))


if __name__ == "__main__":
    main()
