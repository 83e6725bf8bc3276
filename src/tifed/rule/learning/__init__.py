"""The learning rule: forward, error, deltas, update."""

from tifed.rule.learning.clipping import LARGEST_CLIP, check_clip, clipped, norm_of
from tifed.rule.learning.feedback import FeedbackMatrices, feedback_matrices
from tifed.rule.learning.oracle import classify, forward, margins, train
from tifed.rule.learning.work import LocalWork, Statistics

__all__ = [
    "LARGEST_CLIP",
    "FeedbackMatrices",
    "LocalWork",
    "Statistics",
    "check_clip",
    "classify",
    "clipped",
    "feedback_matrices",
    "forward",
    "margins",
    "norm_of",
    "train",
]
