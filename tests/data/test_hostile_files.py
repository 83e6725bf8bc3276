"""Files that promise too much, or are not what they seem, end in a refusal that names them.

Each is small and made here. Memory is bounded too: the process may not grow by a quarter of a
gigabyte over the largest of them, where what they promise is gigabytes and more.
"""

import gzip
import io
import random
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tifed.data import load
from tifed.errors import UsageError


@pytest.fixture(autouse=True)
def _bounded() -> Any:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    grown //= 1024 if sys.platform == "darwin" else 1  # bytes there, KiB elsewhere
    assert grown < 1 << 18, f"memory grew by {grown >> 10} MiB"


def npy(header: str, data: bytes = b"") -> bytes:
    """An array file with any header."""
    text = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data


def npz(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


CASES = Path(__file__).parent / "cases"
WHOLE = {
    "a.csv": b"a,b,label\n" + b"1,2,x\n3,4.5,y\n" * 9,
    "b.txt": b" 1.0 2.5 3.5\n 2.0 2.5 3.25\n" * 9,
    "c.json": b'{"user_data": {"u": {"x": [[1,2],[3,4],[5,6]], "y": [0,1,0]},'
    b'"v": {"x": [[1,2],[3,4.5]], "y": [0,1]}}}',
    "d.arff": b"@attribute a real\n@attribute class {u,v}\n@data\n" + b"1,u\n3,'v'\n" * 9,
    "e.ts": b"@classLabel true a b\n@data\n" + b"1,2:4,5:a\n4,5:7,8:b\n" * 9,
}
HUGE = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000, 1000000)}"
LABELS = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (2,)}", bytes(16))


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (npy(HUGE), r"mine\.npz, features: the header promises 8000000000000000 bytes"),
        (npy(HUGE, bytes(64)), r"for the shape \(1000000000, 1000000\), but 64 follow"),
        (npy(HUGE.replace("<f8", "|O")), "features: holds Python objects"),
        (npy(HUGE.replace("'<f8'", "[('a', 'O')]")), "features: holds Python objects"),
        (npy("{'descr': '<f8'}"), "features: is no array of NumPy's"),
        (npy("(" * 500), "features: is no array of NumPy's"),
        (npy("{}" + " " * 20000), "features: is no array of NumPy's"),
        (b"\x93NUMPY\x09\x00", "features: is no array of NumPy's"),
        (b"", "features: is no array of NumPy's"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -8)}", bytes(64)), "features"),
        (npy("{'descr': '<M8[s]', 'fortran_order': False, 'shape': (2, 1)}", bytes(16)), "numbers"),
    ],
)
def test_arrays_in_an_npz(tmp_path: Path, features: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(npz(tmp_path / "mine.npz", {"features.npy": features, "labels.npy": LABELS}))


def test_an_npz_that_is_a_bomb(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("features.npy", "w", force_zip64=True) as member:
            member.write(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (80, 1048576)}"))
            for _ in range(80):
                member.write(bytes(1 << 20))
        archive.writestr("labels.npy", LABELS)
    assert (tmp_path / "b.npz").stat().st_size < 1 << 18
    with pytest.raises(UsageError, match=r"b\.npz: would have 838\d+ bytes uncompressed"):
        load(tmp_path / "b.npz")


def test_an_npz_whose_directory_lies_about_a_size(tmp_path: Path) -> None:
    good = npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 50)}", bytes(100))
    path = npz(tmp_path / "b.npz", {"features.npy": good, "labels.npy": LABELS})
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 24 : entry + 28] = (len(good) - 50).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=r"b\.npz"):
        load(path)


def test_npz_members_that_numpy_does_not_write(tmp_path: Path) -> None:
    lzma = npz(tmp_path / "l.npz", {"features.npy": LABELS}, zipfile.ZIP_LZMA)
    with pytest.raises(UsageError, match=r"l\.npz, features\.npy: is compressed by method 14"):
        load(lzma)
    encrypted = npz(tmp_path / "e.npz", {"features.npy": LABELS})
    content = bytearray(encrypted.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    encrypted.write_bytes(bytes(content))
    with pytest.raises(UsageError, match=r"e\.npz, features\.npy: is encrypted"):
        load(encrypted)
    with pytest.raises(UsageError, match=r"t\.npz, x\.txt: is no array"):
        load(npz(tmp_path / "t.npz", {"x.txt": b"hello"}))
    with pytest.raises(UsageError, match=r"n\.npz: has the array 'features' twice"):
        load(npz(tmp_path / "n.npz", {"features.npy": LABELS, "x_train.npy": LABELS}))


def test_an_idx_file_that_is_a_bomb(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        for _ in range(80):
            file.write(bytes(1 << 20))
    for members in (1, 3):  # a gzip file may be several, one after another
        (tmp_path / "x-images-idx3-ubyte.gz").write_bytes(packed.getvalue() * members)
        (tmp_path / "x-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8)))
        with pytest.raises(UsageError, match=r"idx3-ubyte\.gz: has more than \d+ bytes uncompr"):
            load(tmp_path / "x-images-idx3-ubyte.gz")


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt", ".arff", ".ts"])
def test_text_that_is_none(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(bytes(1 << 20))
    with pytest.raises(UsageError, match="line 1 holds a NUL character, so this is no text"):
        load(path)
    path.write_bytes(b"1" * (1 << 24) + b"\n")
    with pytest.raises(UsageError, match="line 1 has 16777216 characters or more"):
        load(path)
    path.write_bytes("a,label\n".encode("utf-16"))
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a," * 1_000_000 + "label\n", "has 1000001 columns; 131072 are the most"),
        (f"a,label\n1,{'x' * 200_000}\n", "has 200000 characters; a label or group has 200"),
        (f'a,label\n1,"{"x" * 200_000}"\n', "line 2: is not well-formed CSV .*field larger than"),
        (f"a,label\n{'1' * 200_000},x\n2,y\n", r"line 2, column 'a': '1+'\.\.\. is not a finite"),
        (f"a,label\n{'9' * 400}e,x\n2,y\n", r"line 2, column 'a': '9+'\.\.\. is not a number"),
        ('a,label\n1,"x\n' + "2,y\n" * 100, "line 2: is not well-formed CSV"),
    ],
)
def test_absurd_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.csv").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "is nested too deeply"),
        ('{"user_data": {"a": {"x": ' + "[" * 60 + "1" + "]" * 60 + ', "y": [0]}}}', "user 'a', x"),
        ('{"user_data": {"a": {"x": ' + "[" * 90 + "1" + "]" * 90 + ', "y": [0]}}}', "user 'a', x"),
        ("1" * 100_000, "is not JSON"),
        ("\0" * 1000, "is not JSON"),
        ('{"user_data": {"a": {"x": [[1e999], [1]], "y": [0, 1]}}}', "inf is not a finite"),
    ],
)
def test_absurd_json(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.json").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load(tmp_path / "mine.json")


@pytest.mark.parametrize("suffix", [".csv", ".npz", ".json", ".arff", ".ts", ".parquet", ".tsv"])
@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"\xff\xfe\x00", b"PK\x03\x04", b"@data\n", b"{"]
)
def test_rubbish_is_refused_by_every_reader(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"mine{suffix}").write_bytes(content)
    with pytest.raises(UsageError, match=r"mine\."):
        load(tmp_path / f"mine{suffix}")


@pytest.mark.slow(6)
@pytest.mark.parametrize("name", [*WHOLE, "labels-one-hot.npz"])
def test_a_file_damaged_at_random_is_read_or_refused(tmp_path: Path, name: str) -> None:
    """No other error escapes; whatever is read is a data set."""
    whole = WHOLE.get(name) or (CASES / name).read_bytes()
    chance, path, refused = random.Random(1), tmp_path / name, 0  # noqa: S311 -- no secrets
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 2, 5))):
            place = chance.randrange(len(content))
            replacement = chance.choice((b"", b"\xff", b"-", b",", b"[", b'"', content[:9]))
            content[place : place + chance.randrange(1, 9)] = replacement
            content = content or bytearray(b"x")
        path.write_bytes(content)
        try:
            assert len(load(path, missing="mean").train) >= 1
        except UsageError:
            refused += 1
    assert refused >= 20


def test_a_fortran_array_and_an_empty_one_are_read_as_numpy_does(tmp_path: Path) -> None:
    features = np.asfortranarray(np.arange(8).reshape(4, 2))
    np.savez_compressed(tmp_path / "f.npz", features=features, labels=np.arange(4) % 2)
    dataset = load(tmp_path / "f.npz", quantise="none", test_fraction=25)
    whole = np.concatenate([dataset.train.features, dataset.test.features])
    assert sorted(whole.tolist()) == features.tolist()
