"""Instructions, flash and stack of feature extraction on a kind of core."""

from dataclasses import astuple

from tifed.board import Core
from tifed.board.measured_extraction import Extractions
from tifed.extractor import Extractor
from tifed.extractor.operations import ExtractorOperations, extractor_operations
from tifed.plan.figure import Figure, Source
from tifed.plan.fit import Known, estimated

CODE = 3_072
"""Bytes of the extraction's code where it was not compiled for a core."""


def extraction_instructions(
    kind: str, core: Core, extractor: Extractor, measured: Extractions
) -> Figure:
    """Instructions of one sample: the measured ones if exactly this extractor was measured.

    Elsewhere the measurements of the core are fitted: so much for a product, a sum, a window and a
    value that is gathered. A core without measurements pays for each product what it pays in a
    forward pass.
    """
    counts = extractor_operations(extractor)
    known = [
        Known(row.extractor == extractor.digest, _regressors(row.operations), row.instructions)
        for row in measured.of(kind)
    ]
    return estimated(known, _regressors(counts), counts.products * core.forward_per_mac)


def extraction_code(kind: str, measured: Extractions) -> Figure:
    """Bytes of flash of the extraction's own functions."""
    rows = measured.of(kind)
    return Figure(rows[0].code, Source.MEASURED) if rows else Figure(CODE, Source.MODELLED)


def extraction_stack(kind: str, measured: Extractions) -> int:
    """Most bytes of stack of a firmware that extracts; 0 where none was measured."""
    return max((row.stack for row in measured.of(kind)), default=0)


def _regressors(counts: ExtractorOperations) -> tuple[int, ...]:
    """What instructions are proportional to."""
    return astuple(counts)[1:]
