"""Read arrays from a file that PyTorch wrote, without PyTorch and without running what it says.

Such files hold pickles, and a pickle is a program: it can call any function there is. This reader
knows the three or four calls that a dictionary of tensors consists of and refuses everything else.
It reads both forms, the zip archive of PyTorch 1.6 and later and the row of pickles before it.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

__all__ = ["TorchFileError", "read_torch_file"]

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES: dict[str, np.dtype[Any]] = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ShortStorage": np.dtype("<i2"),
    "CharStorage": np.dtype("i1"),
    "ByteStorage": np.dtype("u1"),
    "BoolStorage": np.dtype("?"),
}


class TorchFileError(ValueError):
    """The file is not a dictionary of tensors in one of PyTorch's formats."""


def read_torch_file(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a file written by ``torch.save(model.state_dict(), path)``.

    Parameters
    ----------
    path
        The file, usually ``*.pth`` or ``*.pt``.

    Returns
    -------
    dict
        Arrays of their own, by name, in the file's order.

    Raises
    ------
    TorchFileError
        If the file holds anything but a dictionary of tensors, is damaged or cut short.
    FileNotFoundError
        If there is no such file.
    """
    with open(path, "rb") as file:
        try:
            zipped = zipfile.is_zipfile(file)
            file.seek(0)
            content, storages = _read_zip(file) if zipped else _read_row(file)
            return {name: _array(name, tensor, storages) for name, tensor in content.items()}
        except TorchFileError as error:
            raise TorchFileError(f"{path.name}: {error}") from error
        except (
            *(pickle.UnpicklingError, EOFError, zipfile.BadZipFile, KeyError, IndexError),
            *(AttributeError, TypeError, ValueError, OverflowError, MemoryError),
        ) as error:
            # Whatever a damaged pickle makes the unpickler stumble over.
            raise TorchFileError(
                f"{path.name} is damaged, or not a file of tensors ({error})"
            ) from error


@dataclass(frozen=True)
class _StorageType:
    """Stands for ``torch.FloatStorage`` and its kin; it cannot be called."""

    dtype: np.dtype[Any]


@dataclass(frozen=True)
class _Storage:
    """A run of numbers elsewhere in the file."""

    key: str
    dtype: np.dtype[Any]
    length: int


@dataclass(frozen=True)
class _Tensor:
    """A view of a storage."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _Tensor:
    """Do what ``torch._utils._rebuild_tensor_v2`` does, without the numbers."""
    integers = (offset, *shape, *strides)
    if not isinstance(storage, _Storage) or not all(isinstance(i, int) for i in integers):
        raise TorchFileError("a tensor in it is not described by a storage and integers")
    if min(integers) < 0 or len(shape) != len(strides):
        raise TorchFileError(f"a tensor in it has the impossible shape {shape}")
    return _Tensor(storage, offset, shape, strides)


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler that can make dictionaries and tensors and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for a global name, if it is one of those expected."""
        allowed: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        }
        if module == "torch" and name in _DTYPES:
            return _StorageType(_DTYPES[name])
        if (module, name) not in allowed:
            raise TorchFileError(
                f"expected nothing but tensors in it, but it asks for {module}.{name}"
            )
        return allowed[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a persistent id names."""
        kind, storage_type, key, _, length, *view = pid
        if kind != "storage" or not isinstance(storage_type, _StorageType):
            raise TorchFileError("expected nothing but tensors in it, but it refers to other data")
        if view and view[0] is not None:
            raise TorchFileError("it holds views of storages, as PyTorch before 0.4 wrote them")
        return _Storage(str(key), storage_type.dtype, int(length))


Content = tuple[dict[str, Any], dict[str, bytes]]


def _read_row(file: BinaryIO) -> Content:
    """Read the old form: five pickles, then each storage as a count and its numbers."""

    def load() -> Any:
        return _TensorUnpickler(file).load()

    if load() != _MAGIC or load() != _PROTOCOL:
        raise TorchFileError("it does not begin as PyTorch's files do")
    system = load()
    if not system["little_endian"]:
        raise TorchFileError("it was written on a big-endian machine")
    content = _dictionary(load())
    sizes = {t.storage.key: t.storage.dtype.itemsize for t in content.values()}
    storages = {}
    for key in load():
        count = int.from_bytes(_exactly(file, 8), "little")
        storages[key] = _exactly(file, count * sizes[key])
    return content, storages


def _read_zip(file: BinaryIO) -> Content:
    """Read the new form: a zip archive with one pickle, and one file for each storage."""
    with zipfile.ZipFile(file) as archive:
        pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise TorchFileError("it is a zip archive, but not one that PyTorch wrote")
        folder = pickles[0].removesuffix("data.pkl")
        if archive.NameToInfo.get(f"{folder}byteorder") is not None:
            order = archive.read(f"{folder}byteorder")
            if order != b"little":
                raise TorchFileError("it was written on a big-endian machine")
        with archive.open(pickles[0]) as member:
            content = _dictionary(_TensorUnpickler(member).load())
        keys = {tensor.storage.key for tensor in content.values()}
        return content, {key: archive.read(f"{folder}data/{key}") for key in keys}


def _dictionary(content: Any) -> dict[str, Any]:
    """Return the unpickled object if it is a dictionary of tensors."""
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise TorchFileError("expected a dictionary of tensors, got something else")
    for name, value in content.items():
        if not isinstance(value, _Tensor):
            raise TorchFileError(
                f"expected nothing but tensors in it, but {name!r} is of type "
                f"{type(value).__name__}"
            )
    return content


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) != count:
        raise TorchFileError("it is cut short")
    return data


def _array(name: str, tensor: _Tensor, storages: dict[str, bytes]) -> npt.NDArray[Any]:
    """Return the numbers of a tensor, after making sure that its storage has them all."""
    numbers = np.frombuffer(storages[tensor.storage.key], tensor.storage.dtype)
    reach = tensor.offset + sum(
        (n - 1) * s for n, s in zip(tensor.shape, tensor.strides, strict=True)
    )
    if 0 not in tensor.shape and reach >= len(numbers):
        raise TorchFileError(
            f"the tensor {name!r} reaches beyond the data that the file has for it"
        )
    strides = tuple(s * numbers.itemsize for s in tensor.strides)
    view = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, strides)
    return view.copy()
