"""Personal rounds: what each device goes on with alone after the run (SPEC, section 17)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tifed.federation.fleet import PersonalWork
from tifed.federation.plan import Job, Jobs, Plan, ScheduleState

if TYPE_CHECKING:
    from tifed.federation.federation import Federation


@dataclass(frozen=True)
class PersonalRounds:
    """What an experiment asks for.

    Attributes:
        rounds: how many, 1..65535.
        layers: the layers that are trained in them, ascending.
        extra_shift: added to that of the last round.
    """

    rounds: int
    layers: tuple[int, ...]
    extra_shift: int


def personal_work(federation: "Federation", state: ScheduleState) -> PersonalWork | None:
    """What every device is asked for after ``state``, the run's last; None without such rounds.

    The shift is the nearest to the wanted one that a device takes and no sum overflows with.
    """
    personal = federation.personal
    if personal is None:
        return None
    wanted = max(federation.extra_shifts[-1:], default=0) + personal.extra_shift
    return PersonalWork(
        rounds=personal.rounds,
        layers=personal.layers,
        extra_shift=federation.network.extra_shift_within(
            wanted, federation.batch, state.energy_shift, personal.layers
        ),
        exchange=state.exchange,
        energy_shift=state.energy_shift,
    )


def personal_plan(
    federation: "Federation", work: PersonalWork, device: int, number: int
) -> tuple[Plan, Job]:
    """Personal round ``number`` (from 0) of one device, as an exchange with it alone."""
    job = Job(
        device=device,
        layers=work.layers,
        position=number * federation.buffer,
        samples=federation.buffer,
        first_step=0,
        steps=federation.steps_per_buffer,
    )
    return (
        Plan(
            round=federation.rounds + number,
            exchange=work.exchange + number,
            extra_shift=work.extra_shift,
            jobs=Jobs.of([job]),
            energy_shift=work.energy_shift,
        ),
        job,
    )
