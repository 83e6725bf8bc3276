"""Keys and certificates of a federation: made, signed, and signed again before they run out."""
