"""Searches on many problems, judged, and set beside what the same tokens buy without a search.

This room believes that a search is worth its tokens only where it solves more problems than draws
that cost as much: so whatever runs here is judged by the task's own verifier, given the same budget
a problem as its controls, and reported with an interval, wins and losses alike. It knows no
terminal and no file. It does not cover tuning a search on the problems it is then judged on.
"""
