"""Every error this package raises on purpose.

An error is raised where the mistake is made, not where it first hurts, and its message ends with
what to do. Anything else that escapes is a defect of ours.
"""


class TreeseekError(Exception):
    """Root of every error raised here on purpose."""


class InvalidOption(TreeseekError, ValueError):
    """An argument is out of its range, unknown, or does not fit another one."""


class UnknownName(InvalidOption):
    """A strategy, model or task name that no registry entry carries."""


class EmptyPrompt(InvalidOption):
    """The prompt holds no token, so there is no distribution to start from."""


class ContextOverflow(TreeseekError):
    """A path would be longer than the model's context or than the slots allow."""


class MissingExtra(TreeseekError, ImportError):
    """An optional dependency is not installed; the message names the extra."""


class ModelError(TreeseekError):
    """The model cannot be used."""


class NotAModel(ModelError):
    """The folder or id does not hold a causal language model."""


class BrokenWeights(ModelError):
    """The weight files are damaged, incomplete, or do not fit the configuration."""


class VocabularyMismatch(ModelError):
    """Tokenizer and model disagree on the vocabulary."""


class BrokenLogits(ModelError):
    """A row of logits holds NaN, or allows no token at all."""


class Incompatible(TreeseekError):
    """Two parts cannot be combined: a strategy and a backend, a request and a setting."""


class StrategyError(TreeseekError):
    """A strategy broke the contract: it yielded something that is no request."""


class ReplayMismatch(TreeseekError):
    """A recorded reply belongs to another request than the one now asked."""


class OutputError(TreeseekError):
    """A file could not be written; nothing that was computed is lost by it."""


class MissingData(TreeseekError, FileNotFoundError):
    """A file of problems is not where it was looked for, or cannot be read at all."""


class BadRow(TreeseekError, ValueError):
    """A row of a file of problems lacks what its task needs; the message names its line."""


class NoSandbox(TreeseekError):
    """Nothing on this machine can hold a program that is not trusted."""
