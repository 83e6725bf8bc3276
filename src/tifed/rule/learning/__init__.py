"""The learning rule: forward, error, deltas, update."""

from tifed.rule.learning.feedback import FeedbackMatrices, feedback_matrices
from tifed.rule.learning.oracle import classify, forward, margins, train
from tifed.rule.learning.work import LocalWork, Statistics

__all__ = [
    "FeedbackMatrices",
    "LocalWork",
    "Statistics",
    "classify",
    "feedback_matrices",
    "forward",
    "margins",
    "train",
]
