"""The reader of PyTorch's files, on files written here byte by byte: PyTorch is not needed."""

from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest

from cs231n_lib.zoo import TorchFileError, read_torch_file

STORAGES = {np.dtype("f4"): "FloatStorage", np.dtype("f8"): "DoubleStorage",
            np.dtype("f2"): "HalfStorage", np.dtype("i8"): "LongStorage"}  # fmt: skip


def text(value):
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def integer(value):
    return b"J" + value.to_bytes(4, "little", signed=True)


def sequence(*items):
    return b"(" + b"".join(items) + b"t"


def tensor(key, storage="FloatStorage", count=6, offset=0, shape=(2, 3), strides=(3, 1), tail=b""):
    """Return the pickle of a tensor, as torch.save writes it."""
    storage_id = sequence(text("storage"), b"ctorch\n" + storage.encode() + b"\n", text(key),
                          text("cpu"), integer(count), tail) + b"Q"  # fmt: skip
    numbers = [sequence(*map(integer, part)) for part in (shape, strides)]
    arguments = sequence(storage_id, integer(offset), *numbers, b"\x89",
                         b"ccollections\nOrderedDict\n)R")  # fmt: skip
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"


def dictionary(entries):
    items = b"".join(text(name) + value for name, value in entries.items())
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u."


def row_file(content, storages, *, magic=0x1950A86A20F9469CFC6C, system=None):
    """Return a file in the form of PyTorch before 1.6."""
    head = [magic, 1001, system or {"protocol_version": 1001, "little_endian": True}]
    file = b"".join(pickle.dumps(part, protocol=2) for part in head) + content
    file += pickle.dumps(list(storages), protocol=2)
    for array in storages.values():
        file += array.size.to_bytes(8, "little") + array.tobytes()
    return file


def zip_file(content, storages, extra=()):
    """Return a file in the form of PyTorch 1.6 and later."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("model/data.pkl", content)
        for key, array in storages.items():
            archive.writestr(f"model/data/{key}", array.tobytes())
        for name, value in extra:
            archive.writestr(name, value)
    return buffer.getvalue()


FORMS = {
    "row": lambda content, storages: row_file(
        # The old form names whether a storage is a view of another: None.
        content.replace(b"J\x06\x00\x00\x00tQ", b"J\x06\x00\x00\x00NtQ"), storages
    ),
    "zip": zip_file,
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "weights.pth"
        path.write_bytes(data)
        return read_torch_file(path)

    return read


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", STORAGES, ids=str)
def test_tensors_come_back(form, dtype, read):
    numbers = np.arange(6).astype(dtype)
    storage = STORAGES[dtype]
    content = dictionary(
        {
            "plain": tensor("0", storage),
            "transposed": tensor("0", storage, shape=(3, 2), strides=(1, 3)),
            "part": tensor("0", storage, offset=2, shape=(2,), strides=(2,)),
            "scalar": tensor("0", storage, offset=5, shape=(), strides=()),
            "other": tensor("1", storage),
        }
    )
    found = read(FORMS[form](content, {"0": numbers, "1": numbers + 10}))
    assert list(found) == ["plain", "transposed", "part", "scalar", "other"]
    assert all(array.dtype == dtype and array.flags.writeable for array in found.values())
    np.testing.assert_array_equal(found["plain"], [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found["transposed"], [[0, 3], [1, 4], [2, 5]])
    np.testing.assert_array_equal(found["part"], [2, 4])
    assert found["scalar"].shape == ()
    assert found["scalar"] == 5
    np.testing.assert_array_equal(found["other"], [[10, 11, 12], [13, 14, 15]])


ONE = {"0": np.arange(6, dtype="f4")}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cos\nsystem\n" + sequence(text("touch me")) + b"R.",
         "expected nothing but tensors in it, but it asks for os.system"),
        (dictionary({"a": b"cbuiltins\neval\n" + sequence(text("1")) + b"R"}),
         "asks for builtins.eval"),
        (dictionary({"a": b"ctorch._utils\n_rebuild_tensor\n)R"}), "asks for torch._utils._rebu"),
        (dictionary({"a": b"ctorch\nFloatStorage\n)R"}), "is damaged, or not a file of tensors"),
        (dictionary({"a": b"ctorch\nload\n)R"}), "asks for torch.load"),
        (b"\x80\x04" + text("os") + text("system") + b"\x93.", "asks for os.system"),
        (dictionary({"a": integer(3)}), "'a' is of type int"),
        (pickle.dumps([1, 2], protocol=2), "expected a dictionary of tensors, got something else"),
        (dictionary({"a": tensor("0", offset=1)}), "'a' reaches beyond the data"),
        (dictionary({"a": tensor("0", shape=(3, 3))}), "'a' reaches beyond the data"),
        (dictionary({"a": tensor("0", strides=(10**9, 10**9))}), "'a' reaches beyond the data"),
        (dictionary({"a": tensor("0", offset=-1)}), "impossible shape"),
        (dictionary({"a": tensor("0", strides=(-3, 1))}), "impossible shape"),
        (dictionary({"a": tensor("0", strides=(1,))}), "impossible shape"),
        (dictionary({"a": tensor("9")}), "is damaged"),
        (dictionary({"a": tensor("0")})[:-20], "is damaged"),
        (b"\x80\x02" + sequence(text("module"), text("x")) + b"Q.", "is damaged"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(form, content, message, read, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TorchFileError, match=message) as caught:
        read(FORMS[form](content, ONE))
    assert str(caught.value).startswith("weights.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.pth"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is damaged"),
        (b"not a pickle at all", "is damaged"),
        (row_file(dictionary({"a": tensor("0", tail=b"N")}), ONE)[:-1], "it is cut short"),
        (row_file(dictionary({"a": tensor("0", tail=b"N")}), ONE, magic=7), "does not begin as"),
        (row_file(dictionary({}), {}, system={"little_endian": False}), "big-endian machine"),
        (row_file(dictionary({"a": tensor("0", tail=sequence(text("0")))}), ONE), "it holds views"),
        (zip_file(dictionary({}), {}, [("model/byteorder", "big")]), "big-endian machine"),
        (zip_file(dictionary({}), {}, [("other/data.pkl", "")]), "not one that PyTorch wrote"),
        (zip_file(dictionary({"a": tensor("0")}), {}), "is damaged"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused(data, message, read):
    with pytest.raises(TorchFileError, match=message):
        read(data)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing\.pth"):
        read_torch_file(tmp_path / "nothing.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_files_that_pytorch_writes(zipped, tmp_path):
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4))
    state = model.state_dict()
    state["transposed"] = state["0.weight"].permute(1, 0, 3, 2)
    torch.save(state, tmp_path / "model.pth", _use_new_zipfile_serialization=zipped)
    found = read_torch_file(tmp_path / "model.pth")
    assert list(found) == list(state)
    for name, value in state.items():
        np.testing.assert_array_equal(found[name], value.numpy())
