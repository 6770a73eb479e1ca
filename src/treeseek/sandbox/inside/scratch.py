"""The folder that a program may write to: how full it is, and how it is emptied.

It is looked at while a program runs, from where the program runs, and emptied from outside.
Whatever a program left there, it is gone before the next one starts: links are removed and not
followed, locked folders are opened, and a chain of folders of any depth is taken apart at its top.
"""

import os
import stat
from itertools import count

MANY, DEEP = 1_000, 32
"""Files, and folders within folders, beyond which a folder is full whatever it holds."""


def filled(folder: str, most: int) -> bool:
    """Whether the folder holds more than `most` bytes, or more than anyone needs."""
    held = files = 0
    waiting = [(folder, 0)]
    while waiting:
        inner, depth = waiting.pop()
        try:
            entries = list(os.scandir(inner))
        except OSError:
            continue
        for entry in entries:
            files += 1
            try:
                held += entry.stat(follow_symlinks=False).st_blocks * 512
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
            except OSError:
                continue
        if held > most or files > MANY or depth > DEEP:
            return True
    return False


def empty(folder: str) -> None:
    """Remove all that the folder holds; raises OSError where something cannot be removed."""
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, stat.S_IRWXU)
    names = count()
    while entries := list(os.scandir(folder)):
        for entry in entries:
            if not entry.is_dir(follow_symlinks=False):
                os.unlink(entry.path)
                continue
            os.chmod(entry.path, stat.S_IRWXU)
            for inner in list(os.scandir(entry.path)):
                if inner.is_dir(follow_symlinks=False):
                    os.chmod(inner.path, stat.S_IRWXU)
                    os.rename(inner.path, _free(folder, names))
                else:
                    os.unlink(inner.path)
            os.rmdir(entry.path)


def _free(folder: str, names: "count[int]") -> str:
    while os.path.lexists(path := os.path.join(folder, f"left-{next(names)}")):
        pass
    return path
