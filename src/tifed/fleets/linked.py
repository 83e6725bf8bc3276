"""Devices at the other end of lines: boards, emulators, processes."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from tifed.errors import UsageError
from tifed.federation import (
    DeviceCounts,
    DeviceScore,
    FeatureSums,
    Job,
    Jobs,
    PersonalScore,
    PersonalWork,
    Plan,
    Update,
    planned_update,
)
from tifed.federation.counts import impossible_counts, impossible_squares
from tifed.fleets import short_line
from tifed.fleets.built_for import (
    fingerprint_of,
    misfit,
    no_residuals,
    other_data,
    other_masks,
    require_copies_on_devices,
)
from tifed.fleets.inputs import FleetInputs
from tifed.fleets.made_sums import MadeSums, calibration_digest, work_digest
from tifed.fleets.masked import DeviceMasks, require_hiding
from tifed.link import (
    Capabilities,
    Client,
    DeviceAnswerError,
    DeviceError,
    DeviceGoneError,
    DeviceRefusedError,
    DeviceRestartedError,
    DeviceStatus,
    LineNotOpenedError,
)
from tifed.link.conversation import BUSY, ORDER, UNCONFIGURED
from tifed.link.quiet import MOST_LAYERS
from tifed.rule.learning import Statistics
from tifed.rule.network import Parameters, Tensor
from tifed.secure_aggregation.errors import ImpossibleSumError, VoidExchangeError

log = logging.getLogger(__name__)

OnReboot = Literal["repeat", "drop"]
OnMismatch = Literal["stop", "drop"]
Result = TypeVar("Result")

_MOST_THREADS = 64
_LOST_THE_THREAD = (BUSY, ORDER, UNCONFIGURED)


class _Device:
    """What the server knows about a device, so as not to send anything twice."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.capabilities: Capabilities | None = None
        self.gone = False
        self.known = False
        self.given = 0
        self.forget()

    def forget(self) -> None:
        """The device knows nothing, or we do not know what."""
        self.capabilities = None
        self.forget_memory()

    def forget_memory(self) -> None:
        """It is still there, but there is something else in its memory."""
        self.configured: tuple[int, ...] | None = None
        self.buffer: tuple[int, int, int] | None = None
        self.holds: Parameters | None = None
        self.keeps = False
        self.kept: Parameters | None = None
        self.learnt = False

    @contextmanager
    def giving(self) -> Iterator[None]:
        """Count what goes over its line meanwhile as bytes of parameters, frames included."""
        before = self.client.bytes_sent
        try:
            yield
        finally:
            self.given += self.client.bytes_sent - before


@dataclass(frozen=True)
class LinkSettings:
    """What to do about devices that fail.

    Attributes:
        on_reboot: a device that restarts in the middle of an exchange does it again from the
            start, or is left out of the exchange.
        repeats: how often it may start again before it is left out.
        on_mismatch: a device that cannot take part when it is first asked, for its line cannot be
            opened and waiting will not help, or it was built for other work, stops the run, or is
            left out. One that took part before never stops it.
        quiet: have devices that can answer an exchange as a whole, and no order before it.
    """

    on_reboot: OnReboot = "repeat"
    repeats: int = 10
    on_mismatch: OnMismatch = "stop"
    quiet: bool = False


class LinkedFleet:
    """One device per stream, each on its own line and served by its own thread.

    The devices get their samples from here, as boards without sensors do; with own data they have
    them, and no sample is sent. An exchange goes on without a device that cannot be reached; the
    reason is logged.

    Attributes:
        left_out: devices that were left out of the last exchange, and why.
    """

    def __init__(
        self,
        inputs: FleetInputs,
        clients: Sequence[Client],
        settings: LinkSettings | None = None,
        on_close: Callable[[], None] = lambda: None,
        devices: range | None = None,
        made: MadeSums | None = None,
    ) -> None:
        """Nothing is sent until the first request.

        Args:
            inputs: what every device was built for; its engine scores the final model.
            clients: one per device.
            settings: what to do about devices that fail.
            on_close: called once the lines are closed.
            devices: the numbers of those at the lines; default all that have a stream.
            made: with the devices' own masks, the sums that were made of them before; default none.

        Raises:
            UsageError: if there is not one client for each device.
        """
        numbers = range(len(inputs.streams)) if devices is None else devices
        if len(clients) != len(numbers):
            raise UsageError(f"link.devices: {len(clients)} lines for {len(numbers)} devices")
        self._inputs, self._federation = inputs, inputs.federation
        self._network = inputs.network
        self._devices = dict(zip(numbers, map(_Device, clients), strict=True))
        require_copies_on_devices(inputs)
        self._fingerprint = fingerprint_of(inputs)
        self._settings = settings or LinkSettings()
        self._on_close = on_close
        self._threads = ThreadPoolExecutor(min(_MOST_THREADS, len(clients)), "tifed-link")
        self._opened = self._closed = False
        self.left_out: dict[int, str] = {}
        self._energy_shift = 0
        self._masks: DeviceMasks | None = None
        if inputs.device_masks:
            require_hiding(self._federation, numbers)
            lines = {number: device.client for number, device in self._devices.items()}
            sums = made or MadeSums()
            self._masks = DeviceMasks(self._federation, lines, self._once_each, sums)
        federation = self._federation
        self._short = bool(federation.upload.layers or federation.download.layers)
        self._start = short_line.start_of(federation) if self._short else None

    @property
    def traffic(self) -> dict[int, tuple[int, int]]:
        """Bytes that went over each device's line so far, to it and from it, frames included."""
        return {
            number: (device.client.bytes_sent, device.client.bytes_received)
            for number, device in self._devices.items()
        }

    def calibrate(self, devices: Sequence[int], samples: int) -> Iterator[FeatureSums]:
        """Feature sums, made by each of ``devices`` that answers; with masks one, over them all."""
        if self._masks is not None:
            return self._masked_calibrate(self._masks, devices, samples)

        def work(number: int) -> FeatureSums:
            device = self._devices[number]
            device.forget()  # there is room for the sums in a device that is not configured
            self._ready(device)
            features = self._network.features
            if self._inputs.own_data:
                seed = self._federation.seed
                sums = device.client.calibrate_own(samples, seed, features)
            else:
                stream = self._inputs.sent[number]
                taken, _ = stream.read(0, min(samples, len(stream)))
                sums = device.client.calibrate(taken, features)
            impossible = impossible_squares(*sums)
            if impossible is not None:
                raise DeviceAnswerError(
                    f"{device.client.name}: its answer to GET_SUMS {impossible}"
                )
            return FeatureSums(*sums, np.array([number]))

        return self._all(devices, work, "the calibration round")

    def _masked_calibrate(
        self, masks: DeviceMasks, devices: Sequence[int], samples: int
    ) -> Iterator[FeatureSums]:
        """The feature sums over all of ``devices`` that answer; nothing if there is no such sum.

        It is tried again as often as a device may begin again, and no more once the sum is known.
        """
        asked = calibration_digest(devices, samples)
        if masks.made.calibration is not None and masks.made.calibration[0] == asked:
            yield masks.made.calibration[1]
            return

        def work(number: int) -> int:
            device = self._devices[number]
            device.forget()
            self._ready(device)
            if self._inputs.own_data:
                device.client.sum_own(samples, self._federation.seed)
            else:
                stream = self._inputs.sent[number]
                device.client.put_for_sums(stream.read(0, min(samples, len(stream)))[0])
            return number

        for _ in range(self._settings.repeats + 1):
            summed = list(self._all(devices, work, "the calibration round"))
            try:
                sums = masks.feature_sums(summed, samples, self._mask_peers(summed))
            except VoidExchangeError as void:
                log.warning("the calibration round is void: %s", void)
                if isinstance(void, ImpossibleSumError):
                    return
            else:
                masks.made.calibration = asked, sums
                yield sums
                return

    def fit(self, plan: Plan, parameters: Parameters) -> Iterator[Update]:
        """The updates of the devices that answer, as they come; with masks one, over them all."""
        jobs = {job.device: job for job in plan.jobs}
        self._energy_shift = plan.energy_shift
        if self._masks is not None:
            return self._masked_fit(self._masks, plan, parameters)
        for device in jobs:
            self._devices[device].given = 0

        def told(device: int, update: Update) -> Update:
            # With short updates a round's costs are bytes that were sent, frames included.
            given = self._devices[device].given if self._short else None
            return replace(update, bytes_down=given)

        return self._all(
            tuple(jobs),
            lambda device: told(device, self._train(plan, jobs[device], parameters)),
            f"exchange {plan.exchange} of round {plan.round}",
            lambda device, reason: told(device, Update(absent={device: reason})),
        )

    def _masked_fit(
        self, masks: DeviceMasks, plan: Plan, parameters: Parameters
    ) -> Iterator[Update]:
        """The sum of the updates of all devices that answer, and who does not.

        Whoever asks for the last one again gets it again.
        """
        asked = work_digest(plan, parameters)
        if masks.made.update is not None and masks.made.update[0] == asked:
            yield masks.made.update[1]
            return
        jobs = {job.device: job for job in plan.jobs}
        what = f"exchange {plan.exchange} of round {plan.round}"

        def work(number: int) -> int:
            self._done(plan, jobs[number], parameters)
            return number

        trained = list(self._all(tuple(jobs), work, what))
        try:
            update = masks.update(plan, trained, self._mask_peers(trained))
            update = replace(update, absent=dict(self.left_out))
            masks.made.update = asked, update
        except VoidExchangeError as void:
            log.warning("%s is void: %s", what, void)
            reasons = dict.fromkeys(jobs, f"its exchange is void: {void}")
            update = Update(absent=reasons | self.left_out)
        yield update

    def _mask_peers(self, devices: Iterable[int]) -> int:
        """With how many others each of ``devices``, which are in a session, can share masks."""
        known = (self._devices[number].capabilities for number in devices)
        return min((found.mask_peers for found in known if found is not None), default=0)

    def _once_each(
        self, devices: Collection[int], work: Callable[[int], Result]
    ) -> dict[int, Result]:
        """``work`` of devices, once: one that restarts has lost what was to be masked."""
        what = "a sum under masks"
        return dict(self._all(tuple(devices), lambda n: (n, work(n)), what, again=False))

    def evaluate(self, parameters: Parameters) -> Iterable[DeviceScore]:
        """Scores on each device's samples, computed here; with own data on the devices.

        The devices would say the same, bit for bit, after each sample had gone over its line.
        """
        if not self._inputs.own_data:
            return self._inputs.scores(parameters, self._devices)
        classes = self._network.classes if self._inputs.report_classes else 0

        def work(number: int) -> DeviceScore:
            device = self._devices[number]
            self._give(device, parameters)
            return DeviceScore(number, *device.client.evaluate(classes))

        return self._all(tuple(self._devices), work, "the scores on held-out samples")

    def counts(self) -> Iterator[DeviceCounts]:
        """How many samples of its own each device has that answers."""

        def work(number: int) -> DeviceCounts:
            device = self._devices[number]
            self._ready(device)
            found = device.client.counts()
            return DeviceCounts(
                number, found.training, found.held_out, found.least_update,
                found.least_calibration, found.least_evaluation,
            )  # fmt: skip

        return self._all(tuple(self._devices), work, "the counts of samples")

    def keep(self, parameters: Parameters, number: int) -> None:
        """Give the devices the model of round ``number``; those that cannot keep it are logged."""

        def work(device: int) -> None:
            self._keep(self._devices[device], parameters, number)

        for _ in self._all(tuple(self._devices), work, "those that keep the model"):
            pass

    def personalise(self, parameters: Parameters, work: PersonalWork) -> Iterator[PersonalScore]:
        """What personal rounds give each device that makes them."""
        federation = self._federation
        steps = federation.local_epochs * -(-federation.buffer // federation.batch)

        def personal(number: int) -> PersonalScore:
            device = self._devices[number]
            if device.kept is not parameters:
                self._keep(device, parameters, federation.rounds)
            device.forget_memory()
            return PersonalScore(
                number,
                *device.client.personalise(
                    work.layers, work.rounds, steps, work.extra_shift, number, work.exchange,
                    work.energy_shift,
                ),
            )  # fmt: skip

        return self._all(tuple(self._devices), personal, "the personal rounds")

    def close(self) -> None:
        """Close the lines, and what stands behind them."""
        if self._closed:
            return
        self._closed = True
        self.stop()
        self._threads.shutdown(cancel_futures=True)
        for device in self._devices.values():
            device.client.close()
        self._on_close()

    def stop(self) -> None:
        """Have all that devices are asked for, now and later, fail soon; any thread may say so."""
        for device in self._devices.values():
            device.client.stop()

    def look(self, seconds: float) -> dict[int, str | None]:
        """Ask every device whether it is there, between two exchanges.

        Args:
            seconds: until one that does not answer counts as gone.

        Returns:
            Per device None, or why it cannot take part.
        """

        def ask(number: int) -> str | None:
            device = self._devices[number]
            try:
                device.client.open_line()
                try:
                    if device.capabilities is not None:
                        device.client.status(seconds)
                except (DeviceRestartedError, DeviceRefusedError, DeviceAnswerError):
                    device.forget()
                self._ready(device, seconds)
            except (DeviceError, UsageError) as error:
                device.gone = isinstance(error, DeviceGoneError)
                device.forget()
                return str(error)
            device.gone = False
            return None

        return dict(zip(self._devices, self._threads.map(ask, self._devices), strict=True))

    def _all(
        self,
        devices: Sequence[int],
        work: Callable[[int], Result],
        what: str,
        lose: Callable[[int, str], Result] | None = None,
        *,
        again: bool = True,
    ) -> Iterator[Result]:
        """``work`` of every device, side by side; those that fail are logged and left out.

        With ``again`` they begin again as often as the settings say; else it is a further part of
        what was asked for last.
        """
        self._open_lines()
        if again:
            self.left_out.clear()
        repeats = self._settings.repeats if again else 0
        futures = {
            self._threads.submit(
                self._persist, self._devices[device], work, device, repeats
            ): device
            for device in devices
        }
        try:
            for future in as_completed(futures):
                try:
                    yield future.result()
                except DeviceError as error:
                    log.warning("device %d is left out of %s: %s", futures[future], what, error)
                    self.left_out[futures[future]] = str(error)
                    if lose is not None:
                        yield lose(futures[future], str(error))
        finally:
            for future in futures:
                future.cancel()

    def _open_lines(self) -> None:
        """Open every line before the first request, and say at once which cannot be opened and why.

        Raises:
            UsageError: if waiting will not help, and the settings say that this stops the run.
        """
        if self._opened:
            return
        self._opened = True

        def open_one(device: _Device) -> LineNotOpenedError | None:
            try:
                device.client.open_line()
            except LineNotOpenedError as error:
                return error
            return None

        failures = dict(
            zip(self._devices, self._threads.map(open_one, self._devices.values()), strict=True)
        )
        stops = self._settings.on_mismatch == "stop"
        lasting = [
            f"{self._devices[number].client.name}: {error.reason}"
            for number, error in failures.items()
            if error is not None and error.lasting
        ]
        if lasting and stops:
            raise UsageError(f"link.devices: {'; '.join(lasting)}")
        for number, error in failures.items():
            if error is not None:
                device = self._devices[number]
                device.gone = error.lasting
                log.warning("device %d: %s; it may come within %g s", number, error,
                            device.client.patience.silence)  # fmt: skip

    def _persist(
        self, device: _Device, work: Callable[[int], Result], number: int, repeats: int
    ) -> Result:
        """``work``, again from the start after a restart if the settings say so."""
        for left in range(repeats, -1, -1):
            try:
                result = work(number)
            except DeviceGoneError:
                device.gone = True
                device.forget()
                raise
            except DeviceAnswerError:
                device.forget()
                raise
            except (DeviceRestartedError, DeviceRefusedError) as error:
                device.forget()
                restarted = isinstance(error, DeviceRestartedError)
                if isinstance(error, DeviceRefusedError) and error.code not in _LOST_THE_THREAD:
                    raise
                if left == 0 or (restarted and self._settings.on_reboot == "drop"):
                    raise
                log.info("%s; once more", error)
            else:
                device.gone = False
                return result
        raise AssertionError("the last repeat returns or raises")

    def _ready(self, device: _Device, silence: float | None = None) -> None:
        """Open a session with a device that is not in one, and see that it fits."""
        if device.capabilities is not None:
            return
        client = device.client
        # One that was silent before does not get a whole wait again in every exchange.
        if silence is None and device.gone:
            silence = min(client.patience.silence, 3 * client.patience.answer)
        capabilities = client.open_session(silence)
        if capabilities.fingerprint != self._fingerprint:
            reason: str | None = misfit(self._inputs, capabilities.fingerprint)
        else:
            reason = (
                other_data(self._inputs, capabilities)
                or other_masks(self._inputs, capabilities)
                or no_residuals(self._inputs, capabilities)
            )
        if reason is not None:
            if self._settings.on_mismatch == "drop" or device.known:
                raise DeviceRefusedError(f"{client.name}: {reason}", 0)
            raise UsageError(f"{client.name}: {reason}")
        network, federation = self._network, self._federation
        said = (
            capabilities.depth, capabilities.features, capabilities.classes,
            capabilities.buffer, capabilities.batch,
        )  # fmt: skip
        if said != (
            network.depth, network.features, network.classes, federation.buffer, federation.batch
        ):  # fmt: skip
            raise DeviceAnswerError(
                f"{client.name}: its answer to HELLO has the fingerprint of this experiment, and "
                f"other layers, features, classes, buffer or mini-batch: {said}"
            )
        device.forget()
        device.capabilities, device.known = capabilities, True

    def _give(
        self, device: _Device, parameters: Parameters, layers: tuple[int, ...] | None = None
    ) -> None:
        """See that a device has ``parameters``; only what it does not have yet is sent.

        Args:
            device: that is to have them.
            parameters: all of them.
            layers: that it is to train; None if it is not to train, but to keep or score them. One
                with masks is configured again for that, for else there could be some among them
                that it has trained.
        """
        self._ready(device)
        with device.giving():
            self._give_ready(device, parameters, layers)

    def _give_ready(
        self, device: _Device, parameters: Parameters, layers: tuple[int, ...] | None
    ) -> None:
        """The same, of a device that is in a session."""
        client = device.client
        if device.configured is None or (layers is not None and device.configured != layers):
            self._configure(device, parameters, layers or ())
        elif layers is None and device.learnt and self._masks is not None:
            self._configure(device, parameters, device.configured)
        if device.holds is parameters:
            return
        before, device.holds = device.holds, None
        if self._speaks_short(device):
            for number in range(self._network.depth):
                short_line.put_layer(client, number, parameters, before, self._start)
        else:
            for number, (weight, bias) in enumerate(
                zip(parameters.weights, parameters.biases, strict=True)
            ):
                client.put_layer(number, weight, bias)
        device.holds = parameters

    def _configure(self, device: _Device, parameters: Parameters, layers: tuple[int, ...]) -> None:
        """Have a device train ``layers``; it has its parameters still if it can keep them."""
        held = device.holds if device.configured is not None and device.keeps else None
        device.forget_memory()
        seed, stays = self._federation.seed, False
        if self._speaks_short(device):
            device.keeps, stays = short_line.configure(
                device.client, layers, seed, held is not None,
                bool(layers) and self._federation.upload.residual,
            )  # fmt: skip
        else:
            device.client.configure(layers, seed)
        if self._network.centred and not stays:
            device.client.put_centre(parameters.centre)
        device.configured, device.holds = layers, held if stays else None

    def _speaks_short(self, device: _Device) -> bool:
        """Whether short updates are asked for, and the device can make them."""
        return (
            self._short and device.capabilities is not None and (device.capabilities.short_updates)
        )

    def _keep(self, device: _Device, parameters: Parameters, number: int) -> None:
        """See that a device keeps ``parameters`` as the model of round ``number``."""
        self._give(device, parameters)
        device.kept = None
        device.client.keep(number, self._energy_shift)
        device.kept = parameters

    def _train(self, plan: Plan, job: Job, parameters: Parameters) -> Update:
        """One device's part in an exchange."""
        device, network = self._devices[job.device], self._network
        client = device.client
        if self._settings.quiet:
            device.buffer = None  # nothing of it was answered, so it is sent anew
            self._ready(device)
            if self._is_quiet(device, plan, job, parameters):
                return self._train_quietly(plan, job, parameters)
        status = self._done(plan, job, parameters)
        self._check(client, job, status)
        before, made = client.bytes_received, dict[int, tuple[Tensor, Tensor]]()
        for number in job.layers:
            if device.keeps and short_line.goes_up_short(plan, number):
                made[number] = short_line.get_layer(
                    client, plan, job, number, parameters, self._federation
                )
            else:
                made[number] = client.get_layer(number, network.layers[number])
        update = _update(plan, job, parameters, made, status.statistics)
        sent = client.bytes_received - before if self._short else None
        return replace(update, bytes_up=sent)

    def _is_quiet(self, device: _Device, plan: Plan, job: Job, parameters: Parameters) -> bool:
        """Whether a device that is ready can answer ``job`` as a whole; it is configured for it."""
        able = device.capabilities is not None and device.capabilities.quiet
        if not able or not self._speaks_short(device):
            return False
        if device.configured != job.layers:
            with device.giving():
                self._configure(device, parameters, job.layers)
        short = (short_line.goes_up_short(plan, number) for number in job.layers)
        return device.keeps and len(job.layers) <= MOST_LAYERS and all(short)

    def _train_quietly(self, plan: Plan, job: Job, parameters: Parameters) -> Update:
        """The same, of a device that answers it as a whole."""
        device, kept = self._devices[job.device], short_line.kept(plan, job)
        client, received = device.client, device.client.bytes_received
        client.begin_silence()
        try:
            self._give(device, parameters, job.layers)
            take = (job.position, job.samples)
            if not self._inputs.own_data:
                self._fill(client, job)
                take = (0, 0)
            status, found = client.exchange(
                take, (job.first_step, job.steps), plan.extra_shift, job.device, plan.exchange,
                plan.energy_shift,
                short_line.asked(plan, job, parameters, self._federation),
                None if kept is None else kept.after,
            )  # fmt: skip
        except Exception:
            client.end_silence()
            device.holds = None
            raise
        if status.samples != job.samples:
            raise DeviceAnswerError(
                f"{client.name}: trained on {status.samples} samples, of {job.samples}"
            )
        self._check(client, job, status)
        made = {
            number: (short_line.stands_for(plan, number, parameters, q), biases)
            for number, (q, biases) in found.items()
        }
        update = _update(plan, job, parameters, made, status.statistics)
        return replace(update, bytes_up=client.bytes_received - received)

    def _done(self, plan: Plan, job: Job, parameters: Parameters) -> DeviceStatus:
        """What a device says once it has done ``job``; only what it does not know yet is sent.

        Raises:
            DeviceAnswerError: if it has done so on another number of samples.
        """
        device = self._devices[job.device]
        self._give(device, parameters, job.layers)
        client = device.client
        wanted = (plan.round, job.position, job.samples)
        if device.buffer != wanted:
            device.buffer = None
            self._fill(client, job)
            device.buffer = wanted
        if not device.keeps:
            device.holds = None
        device.learnt = True
        status = client.train(
            job.first_step, job.steps, plan.extra_shift, job.device, plan.exchange,
            plan.energy_shift, short_line.kept(plan, job),
        )  # fmt: skip
        if status.samples != job.samples:
            raise DeviceAnswerError(
                f"{client.name}: trained on {status.samples} samples, of {job.samples} sent"
            )
        return status

    def _fill(self, client: Client, job: Job) -> None:
        """Have a device's buffer filled: with its own samples, or with those that it is sent."""
        if self._inputs.own_data:
            client.take(job.position, job.samples)
            return
        client.clear()
        client.add_samples(*self._inputs.sent[job.device].read(job.position, job.samples))

    def _check(self, client: Client, job: Job, status: DeviceStatus) -> None:
        """Make sure that a device which says that it has done ``job`` can have counted that.

        Raises:
            DeviceAnswerError: if it cannot.
        """
        impossible = impossible_counts(
            self._network, Jobs.of([job]), self._federation.batch, status.statistics
        )
        if impossible is not None:
            raise DeviceAnswerError(f"{client.name}: {impossible}")


def _update(
    plan: Plan,
    job: Job,
    sent: Parameters,
    made: Mapping[int, tuple[Tensor, Tensor]],
    statistics: Statistics,
) -> Update:
    """The update of a device that has made these weights and biases of each of its layers."""
    weights, biases = list(sent.weights), list(sent.biases)
    for number, layer in made.items():
        weights[number], biases[number] = layer
    trained = Parameters(sent.centre, tuple(weights), tuple(biases))
    # What came over the line is known, so nothing is coded here to be counted. And what the device
    # has left stays there: the numbers that stand for its weights give the same numbers again.
    return planned_update(replace(plan, frame=0, residuals=None), job, sent, trained, statistics)
