"""Evaluation of a trained student: recognition, retrieval, intervals, predictions, pictures.

Each metric is a pure function that gives one value a video; means over any set of videos, and
their intervals over groups, are taken of those.
"""
