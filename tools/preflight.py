"""Say in one line whether this Python can hold treeseek: "ok", or what to install.

Written so that any Python 3 can read it, however old. It covers the interpreter only; what pip
installs is pip's to judge.
"""

import sys

NEEDED = (3, 11)


def verdict():
    """Return "ok" or one line that says what to install."""
    if sys.version_info[:2] < NEEDED:
        return (
            "treeseek needs Python %d.%d or newer and %s is %d.%d: install python3.11, "
            "then run make again with PYTHON=python3.11"
            % (NEEDED[0], NEEDED[1], sys.executable, sys.version_info[0], sys.version_info[1])
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as missing:
        return (
            "%s has no %s module, without which no environment can be made: install it "
            "(Debian, Ubuntu: apt install python3-venv) and run make again"
            % (sys.executable, missing.name)
        )
    return "ok"


if __name__ == "__main__":
    said = verdict()
    print(said)
    sys.exit(said != "ok")
