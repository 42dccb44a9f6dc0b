"""How a label database of an earlier version becomes one of this version."""
