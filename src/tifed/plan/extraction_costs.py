"""Instructions, flash and stack of feature extraction on a kind of core."""

from dataclasses import astuple, dataclass

import numpy as np

from tifed.board import Core
from tifed.board.measured_extraction import Extractions
from tifed.extractor import Extractor
from tifed.extractor.operations import ExtractorOperations, extractor_operations
from tifed.plan.figure import Figure, Source

CODE = 3_072
"""Bytes of the extraction's code where it was not compiled for a core."""


@dataclass(frozen=True)
class Extracting:
    """An extractor, and what such things were measured to take.

    Attributes:
        extractor: of every device.
        measured: on emulated processors.
    """

    extractor: Extractor
    measured: Extractions


def extraction_instructions(
    kind: str, core: Core, extractor: Extractor, measured: Extractions
) -> Figure:
    """Instructions of one sample: the measured ones if exactly this extractor was measured.

    Elsewhere the measurements of the core are fitted: so much for a product, a sum, a window and a
    value that is gathered. A core without measurements pays for each product what it pays in a
    forward pass.
    """
    rows = measured.of(kind)
    for row in rows:
        if row.extractor == extractor.digest:
            return Figure(row.instructions, Source.MEASURED)
    counts = extractor_operations(extractor)
    if not rows:
        return Figure(round(counts.products * core.forward_per_mac), Source.MODELLED)
    # Relative errors count, so that small extractors are not drowned by large ones.
    table = np.array([_regressors(row.operations) for row in rows], np.float64)
    found = np.array([row.instructions for row in rows], np.float64)
    cost = np.linalg.lstsq(table / found[:, np.newaxis], np.ones(len(rows)), rcond=None)[0]
    return Figure(round(float(_regressors(counts) @ cost)), Source.MODELLED)


def extraction_code(kind: str, measured: Extractions) -> Figure:
    """Bytes of flash of the extraction's own functions."""
    rows = measured.of(kind)
    return Figure(rows[0].code, Source.MEASURED) if rows else Figure(CODE, Source.MODELLED)


def extraction_stack(kind: str, measured: Extractions) -> int:
    """Most bytes of stack of a firmware that extracts; 0 where none was measured."""
    return max((row.stack for row in measured.of(kind)), default=0)


def _regressors(counts: ExtractorOperations) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """What instructions are proportional to."""
    return np.array(astuple(counts)[1:], np.float64)
