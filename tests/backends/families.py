"""Tiny random models of every family the local backend is checked on.

Weights are drawn wide, so that logits differ from token to token: a model that says the same
whatever it reads would pass any comparison.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VOCABULARY = 97
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
}
MOE = {"num_experts_per_tok": 2, "moe_intermediate_size": 24}
GPT = {
    "vocab_size": VOCABULARY,
    "n_embd": 32,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 64,
    "initializer_range": 0.3,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@dataclass(frozen=True)
class Family:
    """One configuration: the transformers class, its options, the routes it may be served by."""

    name: str
    kind: str
    options: dict[str, Any] = field(default_factory=dict)
    routes: tuple[str, ...] = ("tree",)
    sizes: dict[str, Any] = field(default_factory=lambda: SIZES)
    seed: int = 0


def _rope(kind: str, **options: Any) -> dict[str, Any]:
    return {"rope_parameters": {"rope_type": kind, "rope_theta": 10000.0, **options}}


LLAMA3 = _rope(
    "llama3",
    factor=4.0,
    low_freq_factor=1.0,
    high_freq_factor=4.0,
    original_max_position_embeddings=16,
)
YARN = _rope("yarn", factor=4.0, original_max_position_embeddings=16)
DYNAMIC = _rope("dynamic", factor=4.0, original_max_position_embeddings=16)
LONGROPE = _rope(
    "longrope",
    factor=4.0,
    original_max_position_embeddings=16,
    short_factor=[1.0] * 4,
    long_factor=[2.0, 3.0, 4.0, 5.0],
)
TYPES = ["sliding_attention", "full_attention", "sliding_attention"]
MLA = {
    "q_lora_rank": 16,
    "kv_lora_rank": 16,
    "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8,
    "v_head_dim": 12,
    "n_routed_experts": 4,
    "n_shared_experts": 1,
    "n_group": 1,
    "topk_group": 1,
    "first_k_dense_replace": 1,
    "num_key_value_heads": 4,
    **MOE,
}
KV2 = {"num_key_value_heads": 2}
FUSED = ("native", "fused")
WINDOWED = {"sliding_window": 5, **KV2}

FAMILIES = [
    Family("llama", "Llama", routes=FUSED),
    Family("llama-gqa", "Llama", KV2, FUSED),
    Family("llama-tied", "Llama", {"tie_word_embeddings": True, "num_key_value_heads": 1}, FUSED),
    Family("llama-llama3", "Llama", LLAMA3, FUSED),
    Family("llama-yarn", "Llama", YARN, FUSED),
    Family("llama-dynamic", "Llama", DYNAMIC, ("replay",)),
    Family("mistral", "Mistral", {"sliding_window": None, **KV2}, FUSED),
    Family("mistral-sliding", "Mistral", WINDOWED, FUSED),
    Family("mixtral", "Mixtral", {"num_local_experts": 4, **MOE, **KV2}),
    Family("qwen2", "Qwen2", KV2, FUSED),
    Family(
        "qwen2-sliding",
        "Qwen2",
        {"use_sliding_window": True, "max_window_layers": 1, **WINDOWED},
        FUSED,
    ),
    Family("qwen3", "Qwen3", {"head_dim": 8, **KV2}, FUSED),
    Family("qwen3-moe", "Qwen3Moe", {"num_experts": 4, "head_dim": 8, **MOE, **KV2}),
    Family("gpt2", "GPT2", sizes=GPT),
    Family(
        "gptj",
        "GPTJ",
        {"rotary_dim": 4, "tie_word_embeddings": False},
        ("mask",),
        GPT,
    ),
    Family("codegen", "CodeGen", {"rotary_dim": 4}, ("mask",), GPT),
    Family("gpt-neox", "GPTNeoX", seed=1),
    Family("gemma", "Gemma", {"head_dim": 8, **KV2}),
    Family("gemma2", "Gemma2", {"head_dim": 8, "layer_types": TYPES, **WINDOWED}),
    Family("gemma3", "Gemma3Text", {"head_dim": 8, "layer_types": TYPES, **WINDOWED}, seed=1),
    Family("opt", "OPT", {"ffn_dim": 48, "word_embed_proj_dim": 32, "init_std": 0.3}, seed=2),
    Family("falcon", "Falcon", {"new_decoder_architecture": False}, ("mask",), seed=4),
    Family(
        "falcon-alibi", "Falcon", {"alibi": True, "initializer_range": 0.5}, ("replay",), seed=1
    ),
    Family("phi", "Phi"),
    Family("phi3", "Phi3", KV2),
    Family("phi3-longrope", "Phi3", {**LONGROPE, **KV2}, ("replay",)),
    Family("olmo2", "Olmo2", KV2),
    Family("olmo3", "Olmo3", {"layer_types": TYPES, **WINDOWED}),
    Family("smollm3", "SmolLM3", KV2),
    Family("stablelm", "StableLm", KV2),
    Family("starcoder2", "Starcoder2", {"sliding_window": None, **KV2}),
    Family("starcoder2-sliding", "Starcoder2", WINDOWED),
    Family("granite", "Granite", {"logits_scaling": 3.0, "residual_multiplier": 0.7, **KV2}),
    Family("cohere", "Cohere", {"logit_scale": 0.5, **KV2}),
    Family("cohere2", "Cohere2", {"layer_types": TYPES, **WINDOWED}),
    Family(
        "gpt-oss",
        "GptOss",
        {"num_local_experts": 4, "head_dim": 8, "layer_types": TYPES, **MOE, **WINDOWED},
    ),
    Family("deepseek-v3", "DeepseekV3", MLA, ("mask",)),
    Family("exaone4", "Exaone4", {"layer_types": TYPES, **WINDOWED}),
    Family("glm4", "Glm4", {"head_dim": 8, **KV2}),
    Family("ernie4-5", "Ernie4_5", {"head_dim": 8, **KV2}),
    Family("lfm2-attention", "Lfm2", {"layer_types": ["full_attention"] * 3, **KV2}),
    Family(
        "lfm2-hybrid",
        "Lfm2",
        {"layer_types": ["conv", "full_attention", "conv"], **KV2},
        ("replay",),
    ),
    Family(
        "gpt-neo",
        "GPTNeo",
        {
            "num_layers": 2,
            "num_heads": 4,
            "hidden_size": 32,
            "vocab_size": VOCABULARY,
            "initializer_range": 0.3,
            "max_position_embeddings": 64,
            "bos_token_id": 1,
            "eos_token_id": 2,
            "attention_types": [[["global", "local"], 1]],
            "window_size": 5,
        },
        ("replay",),
        {},
    ),
    Family(
        "mpt",
        "Mpt",
        {"d_model": 32, "n_heads": 4, "n_layers": 3, "max_seq_len": 64},
        ("replay",),
    ),
    Family("bloom", "Bloom", {"n_head": 4, "n_layer": 3}, ("replay",)),
    Family(
        "mamba",
        "Mamba",
        {"state_size": 8, "num_hidden_layers": 2},
        ("replay",),
    ),
    Family(
        "qwen3-next",
        "Qwen3Next",
        {
            "layer_types": ["linear_attention", "full_attention", "linear_attention"],
            "num_experts": 4,
            "shared_expert_intermediate_size": 24,
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 8,
            "linear_value_head_dim": 8,
            "head_dim": 8,
            **MOE,
            **KV2,
        },
        ("replay",),
    ),
    Family(
        "llama4",
        "Llama4Text",
        {
            "attention_chunk_size": 6,
            "head_dim": 8,
            "num_local_experts": 2,
            "intermediate_size_mlp": 48,
            "num_experts_per_tok": 1,
            **KV2,
        },
        ("tree",),
    ),
]


MORE = [
    Family("apertus", "Apertus", KV2),
    Family("arcee", "Arcee", KV2, seed=1),
    Family("deepseek-v2", "DeepseekV2", MLA, ("mask",)),
    Family(
        "gemma3n",
        "Gemma3nText",
        {
            "head_dim": 8,
            "vocab_size_per_layer_input": VOCABULARY,
            "hidden_size_per_layer_input": 8,
            "num_kv_shared_layers": 1,
            "laurel_rank": 4,
            "activation_sparsity_pattern": None,
            "layer_types": TYPES,
            **WINDOWED,
        },
    ),
    Family("helium", "Helium", {"head_dim": 8, **KV2}),
    Family(
        "mimo-v2-flash", "MiMoV2Flash", {"head_dim": 8, "n_routed_experts": 4, **MOE, **WINDOWED}
    ),
    Family("ministral3", "Ministral3", {"head_dim": 8, **KV2}),
    Family("nanochat", "NanoChat", {"head_dim": 8, **KV2}),
    Family("nemotron", "Nemotron", KV2),
    Family("recurrent-gemma", "RecurrentGemma", {"head_dim": 8, **KV2}, ("replay",)),
    Family("rwkv", "Rwkv", routes=("replay",), seed=1),
    Family("xglm", "XGLM", routes=("mask",)),
]
"""Families that are checked too, but not on every change."""


def build(family: Family) -> Any:
    """The model of `family` with wide random weights, in evaluation mode."""
    import torch
    import transformers

    config = getattr(transformers, f"{family.kind}Config")(**{**family.sizes, **family.options})
    torch.manual_seed(family.seed)
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            # Some families start biases, norms and sinks at one value, which would hide mistakes.
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def save(folder: Path, family: Family, *, tokens: int = VOCABULARY) -> Path:
    """`family` in a folder as a user has it: configuration, weights, a tokenizer of words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    build(family).save_pretrained(folder)
    words = {f"w{index}": index for index in range(tokens)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0").save_pretrained(folder)
    return folder
