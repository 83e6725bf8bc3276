"""A device's own samples, and its model, as they lie in memory that outlives a reset."""

from tifed.rule.store.image import records_for, store_image
from tifed.rule.store.kept import KeptModel, kept_slot, kept_words
from tifed.rule.store.oracle import Store, StoredSample, StoreError, format_store, open_store
from tifed.rule.store.shape import Policy, StoreShape

__all__ = [
    "KeptModel",
    "Policy",
    "Store",
    "StoreError",
    "StoreShape",
    "StoredSample",
    "format_store",
    "kept_slot",
    "kept_words",
    "open_store",
    "records_for",
    "store_image",
]
