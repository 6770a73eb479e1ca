"""A vault: the word that opens it is written inside the world, so one must look before one acts."""

from treeseek.environments.protocol import Environment, Turn
from treeseek.errors import InvalidOption


class Vault(Environment):
    """Say `look` to be told the word, then say the word; any other word shuts the vault for good.

    The score is 0, a half once the word was told, 1 when open. A word said without looking is
    refused. Raises InvalidOption for a word that is empty or `look`.
    """

    def __init__(self, word: str) -> None:
        """Open by `word`."""
        if not word or word == "look":
            raise InvalidOption(f"Vault({word!r}): choose another word.")
        self._word = word
        self._told = False
        self.name, self.version = f"vault {word}", "1"

    def reset(self) -> Turn:
        """Forget what was told."""
        self._told = False
        return Turn("a vault is before you", state="shut")

    def step(self, action: str) -> Turn:
        """Look, or say a word."""
        if action == "look":
            self._told = True
            return Turn(f"the word is {self._word}", 0.5, state="told")
        if not self._told:
            return Turn("you know no word", legal=False)
        if action != self._word:
            return Turn("the vault is shut for good", done=True, state="lost")
        return Turn("the vault is open", 1.0, solved=True, done=True, state="open")
