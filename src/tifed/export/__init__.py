"""The core as a library for other people's firmware, in the layout of their build system."""

from tifed.export.exporting import Exported, export
from tifed.export.layout import FRAMEWORKS
from tifed.export.model import Model, model_for, require_same_front_end

__all__ = ["FRAMEWORKS", "Exported", "Model", "export", "model_for", "require_same_front_end"]
