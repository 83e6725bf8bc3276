"""Only work that follows from the experiment is done, and only as much as the node's owner allows.

Whoever may choose positions and counts as he likes can take single samples out of sums and
updates. But all work of a run follows from its experiment: so a node knows what may be asked.
"""

from dataclasses import asdict, dataclass, field
from itertools import islice

import numpy as np

from tifed.federation import Federation, PersonalWork, Plan, ScheduleState
from tifed.federation.personal import personal_work
from tifed.nodes.least import LeastSamples
from tifed.nodes.messages.content import MessageError
from tifed.rule.integer.rounding import Integers

MOST_STEPS = 1 << 20
"""Mini-batch steps of a device in one exchange: whoever wants more keeps boards for hours."""


@dataclass
class Orders:
    """What the server of one experiment may ask for.

    Attributes:
        federation: the run's constants.
        least: how few samples may stand behind what is answered, by the node's owner. None where
            each device sees to that itself, as boards with own data do.
    """

    federation: Federation
    least: LeastSamples | None
    _turns: tuple[int, Integers] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._turns = (0, np.zeros(self.federation.devices, np.int64))

    def check_calibration(self, samples: int) -> None:
        """Make sure that a calibration over ``samples`` samples of each device is this run's.

        Raises:
            MessageError: if it is not. Differences of sums over other counts would be samples.
        """
        own = self.federation.calibration_samples
        if samples != own:
            raise MessageError(
                f"will not sum {samples} samples of each device: this experiment's calibration is "
                f"over {own}"
            )
        if self.least is not None:
            self.least.check_calibration(samples)

    def check_plan(self, plan: Plan) -> None:
        """Make sure that a part of a plan is of an exchange of this run.

        Raises:
            MessageError: naming what is another's.
        """
        if (plan.clips and not self.federation.robust.clip) or (
            plan.clip and not self.federation.noise
        ):
            raise MessageError(
                "will not hold devices to a bound on their norms, nor tell these: this experiment "
                f"has no {'robust.clip' if plan.clips else 'privacy.noise_multiplier'}"
            )
        due = self._due(plan)
        if plan.extra_shift != due.extra_shift:
            raise MessageError(
                f"will not train with extra_shift {plan.extra_shift}: this experiment's round "
                f"{plan.round + 1} has {due.extra_shift}"
            )
        strangers = np.setdiff1d(plan.jobs.device, due.jobs.device)
        if len(strangers):
            raise MessageError(
                f"will not train device {strangers[0]}: this experiment's round {plan.round + 1} "
                "is without it"
            )
        own = due.jobs.for_devices(plan.jobs.device)
        for name in ("layers", "position", "samples", "first_step", "steps"):
            asked, wanted = getattr(plan.jobs, name), getattr(own, name)
            (wrong,) = np.nonzero(asked != wanted)
            if len(wrong):
                raise MessageError(
                    f"will not train device {plan.jobs.device[wrong[0]]} with {name} "
                    f"{asked[wrong[0]]}: this experiment has {wanted[wrong[0]]} for exchange "
                    f"{plan.exchange}"
                )
        most = int(plan.jobs.steps.max(initial=0))
        if most > MOST_STEPS:
            raise MessageError(
                f"will not train a device for {most} steps: {MOST_STEPS} an exchange are the most; "
                "set average_every, or fewer local_epochs"
            )
        if self.least is not None:
            self.least.check_plan(plan, self.federation.batch)

    def check_round(self, number: int) -> None:
        """Make sure that a model can be that of the end of round ``number``.

        Raises:
            MessageError: if this run has no such round.
        """
        if not 1 <= number <= self.federation.rounds:
            raise MessageError(
                f"will not keep the model of round {number}: this experiment has "
                f"{self.federation.rounds} rounds"
            )

    def check_personal(self, work: PersonalWork) -> None:
        """Make sure that personal rounds are this run's.

        Raises:
            MessageError: naming what is another's.
        """
        rounds = self.federation.rounds
        end = self._state(rounds, rounds * self.federation.exchanges_per_round, work.energy_shift)
        due = personal_work(self.federation, end)
        if due is None:
            raise MessageError("will not do personal rounds: this experiment has none")
        for name, wanted in asdict(due).items():
            asked = getattr(work, name)
            if asked != wanted:
                raise MessageError(
                    f"will not do personal rounds with {name} {asked}: this experiment has {wanted}"
                )

    def _due(self, plan: Plan) -> Plan:
        """All devices' part in the exchange that ``plan`` says that it is."""
        if plan.round >= self.federation.rounds:
            raise MessageError(
                f"will not train in round {plan.round + 1}: this experiment has "
                f"{self.federation.rounds} rounds"
            )
        first = plan.round * self.federation.exchanges_per_round
        if not first <= plan.exchange < first + self.federation.exchanges_per_round:
            raise MessageError(
                f"will not train in exchange {plan.exchange}, which is none of round "
                f"{plan.round + 1} in this experiment"
            )
        plans = self.federation.plans(self._state(plan.round, first, plan.energy_shift))
        return next(islice(plans, plan.exchange - first, None))

    def _state(self, number: int, exchange: int, energy_shift: int) -> ScheduleState:
        """Where the run stands before round ``number``, from 0."""
        counted, turns = self._turns
        if counted > number:
            counted, turns = 0, np.zeros_like(turns)
        if self.federation.devices_per_round is None:
            turns = np.full_like(turns, number)
        else:
            turns = turns.copy()
            for before in range(counted, number):
                turns[self.federation.selected(before)] += 1
        self._turns = (number, turns)
        return ScheduleState(number, exchange, turns, energy_shift=energy_shift)
