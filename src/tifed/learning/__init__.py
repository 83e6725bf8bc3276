"""The learning rule: forward, error, deltas, update."""

from tifed.learning.feedback import FeedbackMatrices, feedback_matrices
from tifed.learning.oracle import classify, forward, train
from tifed.learning.work import LocalWork, Statistics

__all__ = [
    "FeedbackMatrices",
    "LocalWork",
    "Statistics",
    "classify",
    "feedback_matrices",
    "forward",
    "train",
]
