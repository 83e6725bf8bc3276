"""An extractor as constants in C, for flash: `tifed_experiment_extractor`."""

from tifed.extractor import Extractor
from tifed.extractor.memory import extractor_memory
from tifed.extractor.packed import PackedLayer, packed_layers

_PER_LINE = 7


def extractor_constants(extractor: Extractor) -> str:
    """Tables of constants, the layers, the extractor, and how much memory an extraction needs.

    The tables are laid out as ``tifed_features.h`` says.
    """
    layers = packed_layers(extractor)
    tables = "\n".join(_tables(number, layer) for number, layer in enumerate(layers))
    rows = "\n".join(_row(number, layer) for number, layer in enumerate(layers))
    height, width, channels = extractor.input_shape
    return f"""\
#include "tifed_features.h"

/* SHA-256 {extractor.digest} */
#define TIFED_EXTRACTION_BYTES {extractor_memory(extractor).total}u
{tables}
static const tifed_feature_layer tifed_experiment_feature_layers[] = {{
{rows}
}};

static const tifed_extractor tifed_experiment_extractor = {{
    tifed_experiment_feature_layers, {len(layers)}, {height}, {width}, {channels}, \
{extractor.input_zero},
}};
"""


def _tables(number: int, layer: PackedLayer) -> str:
    """The constants of one layer; nothing for max-pooling."""
    if not layer.quads.size:
        return ""
    words = [f"0x{word:08X}u" for word in layer.quads.tolist()]
    lines = [", ".join(words[at : at + _PER_LINE]) for at in range(0, len(words), _PER_LINE)]
    values = ",\n".join(f"    {line}" for line in lines)
    return f"static const uint32_t tifed_experiment_quads_{number}[] = {{\n{values}\n}};\n"


def _row(number: int, layer: PackedLayer) -> str:
    """A ``tifed_feature_layer``, in the order of its fields."""
    quads = f"tifed_experiment_quads_{number}" if layer.quads.size else "NULL"
    numbers = (layer.units, *layer.kernel, layer.stride, layer.padding)
    relu = "true" if layer.relu else "false"
    return f"    {{{', '.join((quads, *map(str, numbers), relu))}}},"
