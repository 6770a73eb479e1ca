"""`python -m treeseek` is the `treeseek` command."""

from treeseek.cli import main

main()
