"""What runs within a tier: a warm interpreter that forks one child for every program.

This room believes that a program is one process: it may use threads, but it starts no other process
and reaches none. It imports the standard library alone, because nothing else can be read where it
runs, and it trusts what comes from the outside and nothing that comes from a child. It does not
start itself: `treeseek.sandbox.worker` does.
"""
