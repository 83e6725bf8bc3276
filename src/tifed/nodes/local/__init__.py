"""A federation on this machine: its programs, and the ports that they listen on."""
