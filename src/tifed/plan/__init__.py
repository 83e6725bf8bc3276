"""What an experiment would cost on known boards, before anything is built."""

from tifed.plan.choice import Choice, choices
from tifed.plan.figure import Figure, Source
from tifed.plan.planning import BoardPlan, Placement, Plan, plan
from tifed.plan.workload import Work, work

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
