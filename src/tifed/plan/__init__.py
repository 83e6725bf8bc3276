"""What an experiment would cost on known boards, before anything is built."""

from tifed.plan.choice import Choice, choices
from tifed.plan.figure import Figure, Source
from tifed.plan.plan import BoardPlan, Placement, Plan, plan
from tifed.plan.work import Work, work

__all__ = [
    "BoardPlan",
    "Choice",
    "Figure",
    "Placement",
    "Plan",
    "Source",
    "Work",
    "choices",
    "plan",
    "work",
]
