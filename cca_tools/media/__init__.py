"""Probing and decoding of media files, in processes that may die."""
