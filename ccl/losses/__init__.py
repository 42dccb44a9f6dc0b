"""Losses, one file each: a pure function, and a thin module where there is state.

All of them share three conventions:

- They return ``Counted``: the value and how often each rule for degenerate input was applied.
- ``present`` is a mask of rows: what is absent takes no part, whatever stands in its row.
- They are plain functions of all their arguments. What is frozen is detached by the caller.
"""
