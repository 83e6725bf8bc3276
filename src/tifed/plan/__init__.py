"""What an experiment would cost on known boards, before anything is built."""

from tifed.plan.choice import Choice, choices
from tifed.plan.figure import Figure, Source
from tifed.plan.planning import BoardPlan, DeploymentPlan, Placement, plan
from tifed.plan.preprocessing import Preprocessing
from tifed.plan.workload import Work, work

__all__ = [
    "BoardPlan",
    "Choice",
    "DeploymentPlan",
    "Figure",
    "Placement",
    "Preprocessing",
    "Source",
    "Work",
    "choices",
    "plan",
    "work",
]
