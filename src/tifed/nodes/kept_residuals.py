"""What a node keeps of its devices' changes from one exchange to the next (SPEC, section 25.8).

A process that stays keeps it itself (`tifed.nodes.kept`). A SuperNode may start one for each
message, so it is kept in the state that Flower's node holds between the messages of one run. Or it
is kept in a file, which outlives the node as well.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from tifed.errors import UsageError
from tifed.federation import Plan, Update
from tifed.federation.residuals import LayerResiduals, Residuals
from tifed.files.atomic import write_atomically

MOST_KEPT = 8
"""Experiments of which a process or a folder keeps residuals; those asked last stay."""
_NAME = "residuals-"


@dataclass
class KeptResiduals:
    """Residuals of devices that a node simulates, of the few exchanges which may be asked for.

    Attributes:
        of: per device, by the exchange after which it had them, what it had left.
        file: where they are kept as well; None for nowhere.
    """

    of: dict[int, dict[int, LayerResiduals]] = field(default_factory=dict)
    file: Path | None = None

    @classmethod
    def kept_in(cls, folder: Path, owner: str) -> "KeptResiduals":
        """What a file in ``folder`` has of ``owner``, if there is one, and it has all from now on.

        Args:
            folder: of the site.
            owner: names the experiment, its data and the devices.

        Raises:
            UsageError: if the file cannot be read.
        """
        file = folder / f"{_NAME}{hashlib.sha256(owner.encode()).hexdigest()[:16]}"
        try:
            return replace(cls.from_bytes(file.read_bytes()), file=file)
        except FileNotFoundError:
            return cls(file=file)
        except (OSError, ValueError, LookupError, TypeError, SafetensorError) as error:
            raise UsageError(
                f"{file}: cannot be read ({type(error).__name__}); it has what devices have left "
                "of their changes; remove it, and they begin with nothing"
            ) from error

    def before(self, plan: Plan) -> Plan:
        """``plan`` with what its devices had left before it, as far as it is here."""
        if plan.residuals is None:
            return plan
        after = plan.residuals.after
        here = {
            device: self.of[device][exchange]
            for device, exchange in zip(
                plan.jobs.device.tolist(), after[plan.jobs.device].tolist(), strict=True
            )
            if exchange in self.of.get(device, {})
        }
        return replace(plan, residuals=Residuals(after, here))

    def keep(self, plan: Plan, update: Update, back_to: int) -> None:
        """Take in what devices have left after the exchange of ``plan``, and forget the rest.

        Of each stays what it had before, so that whoever asks again gets the same answer, and what
        it had before exchange ``back_to``, with which a server goes on that was killed meanwhile.
        """
        if plan.residuals is None:
            return
        for device, left in update.residuals.items():
            known = self.of.get(device, {})
            asked = int(plan.residuals.after[device])
            base = max((number for number in known if number < back_to), default=-1)
            stays = {number: known[number] for number in {asked, base} & known.keys()}
            self.of[device] = stays | {plan.exchange: left}
        if self.file is not None and update.residuals:
            write_atomically(self.file, self.to_bytes(), mode=0o600)
            _remove_oldest(self.file.parent)

    def to_bytes(self) -> bytes:
        """All of it; empty where there is nothing."""
        if not self.of:
            return b""
        devices: dict[int, list[int]] = {}
        for device in sorted(self.of):
            for exchange in self.of[device]:
                devices.setdefault(exchange, []).append(device)
        arrays = {
            f"{exchange}/{layer}": np.stack([self.of[one][exchange][layer] for one in own])
            for exchange, own in devices.items()
            for layer in self.of[own[0]][exchange]
        }
        text = json.dumps([[exchange, own] for exchange, own in devices.items()]).encode()
        return len(text).to_bytes(4, "little") + text + save(arrays)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "KeptResiduals":
        """The same again."""
        if not kept:
            return cls()
        end = 4 + int.from_bytes(kept[:4], "little")
        of: dict[int, dict[int, LayerResiduals]] = {}
        by_exchange: dict[int, dict[int, np.ndarray]] = {}
        for name, array in load(kept[end:]).items():
            exchange, layer = map(int, name.split("/"))
            by_exchange.setdefault(exchange, {})[layer] = array
        for exchange, devices in json.loads(kept[4:end]):
            layers: Mapping[int, np.ndarray] = by_exchange[exchange]
            for place, device in enumerate(devices):
                left = {layer: array[place] for layer, array in layers.items()}
                of.setdefault(device, {})[exchange] = left
        return cls(of)


def _remove_oldest(folder: Path) -> None:
    """Leave no more files than there may be."""
    files = sorted(folder.glob(f"{_NAME}*"), key=lambda file: file.stat().st_mtime)
    for file in files[:-MOST_KEPT]:
        file.unlink(missing_ok=True)
