"""Updates and models as short numbers of what changed (SPEC, section 25)."""
