"""The federated loop: plan a round, hand it to a fleet, aggregate, next."""

from tifed.federation.aggregation import (
    LayerState,
    ServerState,
    aggregate,
    initial_state,
    published,
)
from tifed.federation.costs import Costs
from tifed.federation.federation import Federation
from tifed.federation.fleet import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Fleet,
    InsistentFleet,
    OwnDataFleet,
    PersonalScore,
    PersonalWork,
    with_own_data,
)
from tifed.federation.loop import RoundRecord, begin, federate
from tifed.federation.personal import PersonalRounds, personal_plan, personal_work
from tifed.federation.plan import AtEnd, AverageEvery, Job, Jobs, Plan, ScheduleState
from tifed.federation.robust import Robust
from tifed.federation.update import LayerSum, Update, device_update, planned_update, total

__all__ = [
    "AtEnd",
    "AverageEvery",
    "Costs",
    "DeviceCounts",
    "DeviceScore",
    "FeatureSums",
    "Federation",
    "Fleet",
    "InsistentFleet",
    "Job",
    "Jobs",
    "LayerState",
    "LayerSum",
    "OwnDataFleet",
    "PersonalRounds",
    "PersonalScore",
    "PersonalWork",
    "Plan",
    "Robust",
    "RoundRecord",
    "ScheduleState",
    "ServerState",
    "Update",
    "aggregate",
    "begin",
    "device_update",
    "federate",
    "initial_state",
    "personal_plan",
    "personal_work",
    "planned_update",
    "published",
    "total",
    "with_own_data",
]
