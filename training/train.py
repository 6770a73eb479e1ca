"""The training loop: documents packed into rows, AdamW, a cosine, and the folder that transformers
can load.

This room believes that a loop of a screen is worth more than a trainer with options. Documents
follow one another in a row, each with its own begin and end token, and what a document can see of
those before it teaches the model to begin anew. It does not cover more than one machine,
checkpoints or mixed precision.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.data import documents
from training.recipe import Recipe

IGNORED = -100


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A small Llama with random weights in float32, as the recipe says."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.width,
        intermediate_size=recipe.feed_forward,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="sdpa",
    )
    return LlamaForCausalLM(config)


def batches(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless (tokens, targets), each rows x (length + 1); prompts are not among the targets.

    Every fourth batch has rows as long as the context, the others twice as many rows of half the
    length: attention costs less, and late positions are learned all the same.
    """
    tokens: list[int] = []
    targets: list[int] = []
    made = 0
    for document in documents(recipe.seed):
        prompt = tokenizer(document.prompt).input_ids
        answer = tokenizer(document.answer, add_special_tokens=False).input_ids
        answer.append(tokenizer.eos_token_id)
        tokens += prompt + answer
        targets += [IGNORED] * len(prompt) + answer
        halves = 1 if made % 4 == 3 else 2
        shape = (recipe.rows * halves, recipe.context // halves + 1)
        needed = math.prod(shape)
        if len(tokens) >= needed:
            yield (
                torch.tensor(tokens[:needed]).view(shape),
                torch.tensor(targets[:needed]).view(shape),
            )
            del tokens[:needed], targets[:needed]
            made += 1


def train(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """The trained model in float32; prints a line every 50 steps of rows x context tokens."""
    torch.set_num_threads(recipe.threads)
    model = build_model(recipe, tokenizer)
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{size:,} parameters, {len(tokenizer):,} tokens in the vocabulary", flush=True)
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.rate,
        betas=(0.9, 0.95),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _share(step, recipe))
    model.train()
    begun, smooth = time.perf_counter(), None
    for step, (tokens, targets) in enumerate(batches(recipe, tokenizer)):
        if step == recipe.steps:
            break
        hidden = model.model(input_ids=tokens[:, :-1], use_cache=False).last_hidden_state
        kept = targets[:, 1:] != IGNORED
        loss = functional.cross_entropy(model.lm_head(hidden[kept]), targets[:, 1:][kept])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        if step % 50 == 0:
            spent = time.perf_counter() - begun
            read = (step + 1) * recipe.rows * recipe.context
            print(f"step {step:5d}  loss {smooth:.4f}  {read:,} tokens  {spent:.0f} s", flush=True)
    return model.eval()


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the folder that `from_pretrained` loads: bfloat16 weights, configuration, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.to(torch.bfloat16).save_pretrained(folder)
    model.to(torch.float32)
    tokenizer.save_pretrained(folder)
    for path in folder.iterdir():
        path.chmod(0o644)  # the writer of weights lets only their owner read them


def _share(step: int, recipe: Recipe) -> float:
    """The share of the learning rate at a step: a line up, then half a cosine down to nothing."""
    if step < recipe.warm_up:
        return (step + 1) / recipe.warm_up
    done = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
