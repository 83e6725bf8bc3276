"""Use an installed TIFeD as somebody does who has nothing but the package.

    python scripts/check_installed.py

with the Python that it is installed for, from anywhere but a checkout's `src`: trains for two
rounds, exports a library for firmware, and fails if the digest is not the one of every machine.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

DIGEST = "171f3fd3f2500d202cd8212a57c618333245a89e4d3391b95473dd2867993e8f"
"""What two rounds of the preset digits give."""


def tifed(*arguments: str) -> str:
    """What the installed command says; its errors end this program."""
    command = Path(sysconfig.get_path("scripts")) / "tifed"
    done = subprocess.run([command, *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"tifed {' '.join(arguments)}: ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def main() -> None:
    """Try it."""
    print(tifed("--version").strip())
    with tempfile.TemporaryDirectory() as folder:
        said = tifed("run", "--preset", "digits", "--set", "rounds=2", "--out", f"{folder}/run")
        if DIGEST not in said:
            sys.exit(f"the digest has to be {DIGEST}, but tifed run said:\n{said}")
        library = Path(folder) / "library"
        tifed("export", str(library), "--preset", "digits", "--framework", "cmake")
        files = {path.name for path in library.rglob("*")}
        missing = {"tifed.c", "tifed.h", "tifed_model.h", "device.c", "LICENSE"} - files
        if missing:
            sys.exit(f"tifed export left out {', '.join(sorted(missing))}")
    print("trains to the digest of every machine, and exports")


if __name__ == "__main__":
    main()
