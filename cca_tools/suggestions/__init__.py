"""Proposals of a level for each class, from what is heard in its videos; people decide."""
