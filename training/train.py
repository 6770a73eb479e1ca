"""The training loop: AdamW, a cosine, and the folder that transformers can load.

This room believes that a loop of a screen is worth more than a trainer with options, and that a
problem is learned best alone in its row, as it is met later, while pages of English may follow one
another. It does not cover more than one machine, checkpoints or mixed precision.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path

import torch
from torch.nn import functional
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from training.data import Document, pages, problems
from training.recipe import Recipe

IGNORED = -100

Batch = tuple[torch.Tensor, torch.Tensor]
Encoded = tuple[list[int], list[tuple[int, ...]]]


def build_model(
    recipe: Recipe, tokenizer: PreTrainedTokenizerFast, vocabulary: int
) -> LlamaForCausalLM:
    """A small Llama with random weights in float32, as the recipe says, for so many tokens."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
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


def batches(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Iterator[tuple[Batch, Batch]]:
    """Endless (problems, pages), each a pair of tokens [rows, length + 1] and their targets.

    Targets are [rows, length + 1, n]: the token itself first, then what would have been right in
    its place, IGNORED where there is nothing to learn. A problem has a row for itself, filled up
    with padding; pages follow one another in a row as long as the context every fourth time, and in
    two rows of half the length else, which costs less and teaches late positions all the same.
    Prompts and padding are not among the targets.
    """
    problem, prose = problems(recipe.seed), Prose(pages(recipe.seed), tokenizer)
    for made in count():
        rows = [encoded(next(problem), tokenizer) for _ in range(recipe.problems)]
        halves = 1 if made % 4 == 3 else 2
        yield padded(rows, tokenizer), prose.take(halves, recipe.context // halves + 1)


class Prose:
    """Pages one after the other, cut into rows."""

    def __init__(self, page: Iterator[Document], tokenizer: PreTrainedTokenizerFast) -> None:
        self.page, self.tokenizer = page, tokenizer
        self.tokens: list[int] = []
        self.targets: list[tuple[int, ...]] = []

    def take(self, rows: int, length: int) -> Batch:
        """The next `rows` rows of `length` tokens."""
        needed = rows * length
        while len(self.tokens) < needed:
            read, learned = encoded(next(self.page), self.tokenizer)
            self.tokens += read
            self.targets += learned
        tokens = torch.tensor(self.tokens[:needed]).view(rows, length)
        targets = torch.tensor(self.targets[:needed]).view(rows, length, 1)
        del self.tokens[:needed], self.targets[:needed]
        return tokens, targets


def train(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """The model in float32 after the first two courses; prints a line every 50 steps."""
    torch.set_num_threads(recipe.threads)
    model = build_model(recipe, tokenizer, len(tokenizer))
    size = sum(parameter.numel() for parameter in model.parameters())
    print(f"{size:,} parameters, {model.config.vocab_size:,} tokens in the vocabulary", flush=True)
    stream = batches(recipe, tokenizer)
    warm_up = recipe.warm_up
    run_course(model, stream, recipe, steps=recipe.steps, warm_up=warm_up, rate=recipe.rate)
    model.to(torch.bfloat16).to(torch.float32)  # the second course starts from storable weights
    again = recipe.again_rate
    run_course(model, stream, recipe, steps=recipe.again, warm_up=warm_up // 5, rate=again)
    return model.eval()


def optimizer_of(model: LlamaForCausalLM, recipe: Recipe, rate: float) -> torch.optim.AdamW:
    """AdamW whose decay touches matrices alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim == 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=rate,
        betas=(0.9, 0.95),
    )


def run_course(
    model: LlamaForCausalLM,
    stream: Iterator[tuple[Batch, Batch]],
    recipe: Recipe,
    *,
    steps: int,
    warm_up: int,
    rate: float,
) -> None:
    """Train on the next `steps` batches: the rate goes up a line and down half a cosine."""
    optimizer = optimizer_of(model, recipe, rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: _share(step, steps, warm_up)
    )
    model.train()
    begun, read = time.perf_counter(), 0
    smooth: float | None = None
    for step, batch in enumerate(islice(stream, steps)):
        optimizer.zero_grad(set_to_none=True)
        total = gradients(model, batch)
        read += sum(tokens[:, 1:].numel() for tokens, _ in batch)
        torch.nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
        smooth = total if smooth is None else 0.95 * smooth + 0.05 * total
        if step % 50 == 0:
            spent = time.perf_counter() - begun
            print(f"step {step:5d}  loss {smooth:.4f}  {read:,} tokens  {spent:.0f} s", flush=True)


def gradients(model: LlamaForCausalLM, batch: Sequence[Batch], *, any_right: bool = False) -> float:
    """Add the gradients of the mean loss over all targets of a step to the model's; the loss.

    The loss of a place is -log p of its token; with `any_right` it is -log of what all the tokens
    that are right there have together, so that a model may settle on the one it understands.
    """
    learned = sum(int((targets[:, 1:, 0] != IGNORED).sum()) for _, targets in batch)
    total = 0.0
    for tokens, targets in batch:
        hidden = model.model(input_ids=tokens[:, :-1], use_cache=False).last_hidden_state
        kept = targets[:, 1:, 0] != IGNORED
        right = targets[:, 1:][kept]
        if not any_right:
            right = right[:, :1]
        logp = functional.log_softmax(model.lm_head(hidden[kept]), dim=-1)
        picked = logp.gather(1, right.clamp(min=0)).masked_fill(right == IGNORED, -torch.inf)
        loss = -picked.logsumexp(dim=1).sum() / learned
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.item()
    return total


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


def encoded(document: Document, tokenizer: PreTrainedTokenizerFast) -> Encoded:
    """The tokens of a document, and what is right for each: the answer and its end are learned.

    What is right is the token first and then the others; nothing where nothing is learned.
    """
    prompt: list[int] = tokenizer(document.prompt).input_ids
    made = tokenizer(document.answer, add_special_tokens=False, return_offsets_mapping=True)
    answer: list[int] = [*made.input_ids, tokenizer.eos_token_id]
    right = [(token,) for token in answer]
    for place, (start, _) in enumerate(made.offset_mapping):
        others = tokenizer.convert_tokens_to_ids(list(document.choices.get(start, ())))
        right[place] += tuple(other for other in others if other != answer[place])
    return prompt + answer, [(IGNORED,)] * len(prompt) + right


def padded(rows: Sequence[Encoded], tokenizer: PreTrainedTokenizerFast) -> Batch:
    """Encoded problems as rows of the same length, filled up on the right."""
    longest = max(len(read) for read, _ in rows)
    widest = max(len(right) for _, learned in rows for right in learned)
    tokens = torch.full((len(rows), longest), tokenizer.pad_token_id)
    targets = torch.full((len(rows), longest, widest), IGNORED)
    for row, (read, learned) in enumerate(rows):
        tokens[row, : len(read)] = torch.tensor(read)
        filled = [right + (IGNORED,) * (widest - len(right)) for right in learned]
        targets[row, : len(read)] = torch.tensor(filled)
    return tokens, targets


def _share(step: int, steps: int, warm_up: int) -> float:
    """The share of the rate at a step: a line up, then half a cosine down to nothing."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
