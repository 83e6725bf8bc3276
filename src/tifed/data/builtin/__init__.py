"""Data sets by name: those that ship with a package, and those that are downloaded."""
