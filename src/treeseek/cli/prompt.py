"""The prompt of a run: an argument, or standard input for `-`, in UTF-8 and nothing else."""

import sys

from treeseek.errors import InvalidOption


def read_prompt(argument: str) -> str:
    """The prompt's text; of standard input one newline at its end is dropped.

    Raises InvalidOption where the bytes are not UTF-8.
    """
    if argument != "-":
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise InvalidOption(
                f"The prompt is not UTF-8 (character {error.start + 1}): set your terminal and "
                "locale to UTF-8, or pass the text by standard input."
            ) from None
        return argument
    data = sys.stdin.buffer.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidOption(
            f"Standard input is not UTF-8 (byte {error.start + 1} is 0x{data[error.start]:02x}): "
            "convert it first, for example with iconv -f latin1 -t utf-8."
        ) from None
    return text.removesuffix("\n").removesuffix("\r")
