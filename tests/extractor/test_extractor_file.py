from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tifed.errors import UsageError
from tifed.extractor import Extractor, load_extractor, save_extractor
from tifed.rule.network import save_model, start_parameters
from tifed.rule.recipes import Tuned


@pytest.fixture
def saved(tmp_path: Path, random_extractor: Callable[[int], Extractor]) -> Path:
    save_extractor(tmp_path / "e.safetensors", random_extractor(12))
    return tmp_path / "e.safetensors"


def header_of(path: Path) -> dict[str, str]:
    with safe_open(path, "numpy") as file:
        header: dict[str, str] = file.metadata()
    return header


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1 << 40), source=st.text(max_size=20))
def test_an_extractor_comes_back_whole(
    random_extractor: Callable[[int], Extractor], seed: int, source: str
) -> None:
    made = random_extractor(seed)
    extractor = Extractor(made.input_shape, made.input_zero, made.layers, source)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "e.safetensors"
        save_extractor(path, extractor)
        read = load_extractor(path)
    assert read == extractor
    assert read.source == source
    for mine, its in zip(extractor.named, read.named, strict=True):
        assert mine[0] == its[0]
        np.testing.assert_array_equal(mine[1], its[1])


def test_a_changed_bit_is_noticed(saved: Path) -> None:
    data = bytearray(saved.read_bytes())
    data[-1] ^= 1
    saved.write_bytes(data)
    with pytest.raises(UsageError, match=r"e\.safetensors: "):
        load_extractor(saved)


def test_a_cut_file_is_noticed(saved: Path) -> None:
    saved.write_bytes(saved.read_bytes()[:-3])
    with pytest.raises(UsageError, match=r"e\.safetensors: not a readable safetensors file"):
        load_extractor(saved)


def test_files_that_are_no_extractors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "e.safetensors"
    with pytest.raises(UsageError, match="no such extractor file"):
        load_extractor(path)
    network = Tuned().network((6, 5, 3), 4)
    save_model(path, network, start_parameters(network, (0, 0), 1))
    with pytest.raises(UsageError, match="format 'tifed-model'.*reads 'tifed-extractor' version"):
        load_extractor(path)


def test_an_inconsistent_file_says_where(saved: Path) -> None:
    arrays, header = load_file(saved), header_of(saved)
    name = min(arrays)

    def message(arrays: dict[str, np.ndarray], header: dict[str, str]) -> str:
        save_file(arrays, saved, header)
        with pytest.raises(UsageError) as raised:
            load_extractor(saved)
        return str(raised.value).removeprefix(f"{saved}: ")

    less = {key: array for key, array in arrays.items() if key != name}
    assert message(less, header) == f"{name} is missing"
    assert message({**arrays, "other": np.zeros(1)}, header) == "other belongs to no layer"
    assert message({**arrays, name: arrays[name].astype(np.int16)}, header).startswith(
        f"layers[{name.split('.')[1]}].bias: int16"
    )
    assert message(arrays, {**header, "version": "2"}).startswith("format 'tifed-extractor' ")
    shapes = header["shapes"].replace('"kind"', '"kin"')
    assert message(arrays, {**header, "shapes": shapes}).startswith("shapes: layers.0: ")
    assert message(arrays, {**header, "shapes": "{"}).startswith("shapes: ")
    assert message(arrays, {**header, "digest": "0"}).startswith("damaged, ")


def test_absurd_files_are_refused_before_they_are_read(saved: Path) -> None:
    data = saved.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].replace(b'"I8"', b'"F8_E4M3"', 1)
    saved.write_bytes(len(header).to_bytes(8, "little") + header + data[8 + length :])
    with pytest.raises(UsageError, match=r"e\.safetensors: .*layer\.\d\.weight: F8_E4M3"):
        load_extractor(saved)
    saved.write_bytes((1 << 40).to_bytes(8, "little") + data[8:])
    with pytest.raises(UsageError, match="a header of 1,099,511,627,776 bytes; the most are"):
        load_extractor(saved)
    with saved.open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(UsageError, match="has 1,099,511,627,776 bytes; the most are"):
        load_extractor(saved)
