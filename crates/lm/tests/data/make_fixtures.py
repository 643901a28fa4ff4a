"""Makes the small PyTorch files that tests/weights.rs reads: python make_fixtures.py

Made with torch 2.15.0. Every tensor's element i (row-major) is (i - 5) / 4, which all formats hold exactly.
"""

import collections
import json
import pickle
import zipfile
from pathlib import Path

import torch

OUT = Path(__file__).parent / "torch"


def ramp(*shape, dtype=torch.float32):
    n = 1
    for size in shape:
        n *= size
    return ((torch.arange(n, dtype=torch.float64) - 5) / 4).reshape(shape).to(dtype)


def state_dict():
    """One tensor of each kind that checkpoints have."""
    shared = ramp(3, 4)
    long = torch.cat([torch.zeros(7), ramp(2, 5).flatten()])
    columns = torch.zeros(3, 9)
    columns[:, 2:6] = ramp(3, 4)
    state = collections.OrderedDict(
        f32=ramp(3, 4),
        f16=ramp(3, 4, dtype=torch.float16),
        bf16=ramp(3, 4, dtype=torch.bfloat16),
        f64=ramp(3, 4, dtype=torch.float64),
        parameter=torch.nn.Parameter(ramp(2, 2)),
        scalar=torch.tensor(-1.25),
        empty=torch.zeros(0, 4),
        transposed=ramp(3, 4).t().contiguous().t(),
        transposed_f16=ramp(2, 3, 4, dtype=torch.float16).permute(2, 0, 1).contiguous().permute(1, 2, 0),
        columns=columns[:, 2:6],
        offset=long[7:].view(2, 5),
        shared_a=shared,
        shared_b=shared,
        shared_row=shared[1],
        mask=torch.tril(torch.ones(3, 3, dtype=torch.uint8)).view(1, 1, 3, 3),
        flags=torch.ones(3, dtype=torch.bool),
        positions=torch.arange(4).expand(1, -1),
        quantised=torch.ones(2, 2, dtype=torch.int8),
        expanded=torch.ones(1).expand(1 << 40),
    )
    state._metadata = collections.OrderedDict([("", {"version": 1})])
    return state


class Danger:
    """Unpickling this calls os.system."""

    def __reduce__(self):
        import os

        return os.system, ("true",)


def rewrite(source, target, method=zipfile.ZIP_STORED, replace=None, zip64=False):
    """Copies a zip archive with other settings."""
    limit = zipfile.ZIP64_LIMIT
    if zip64:
        zipfile.ZIP64_LIMIT = 0
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", method) as new:
        for name in old.namelist():
            content = (replace or {}).get(name.split("/")[-1], old.read(name))
            entry = zipfile.ZipInfo(name)
            entry.compress_type = method
            new.writestr(entry, content)
    zipfile.ZIP64_LIMIT = limit


def main():
    OUT.mkdir(exist_ok=True)
    torch.save(state_dict(), OUT / "zip.bin")
    torch.save(state_dict(), OUT / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(state_dict(), OUT / "protocol4.bin", pickle_protocol=4)
    torch.save({"step": 3, "state_dict": state_dict()}, OUT / "wrapped.bin")
    rewrite(OUT / "zip.bin", OUT / "zip64.bin", zip64=True)
    rewrite(OUT / "zip.bin", OUT / "compressed.bin", zipfile.ZIP_DEFLATED)
    rewrite(OUT / "zip.bin", OUT / "big_endian.bin", replace={"byteorder": b"big"})
    torch.save({"a": ramp(2), "b": Danger()}, OUT / "danger.bin")
    torch.save({"a": ramp(2), "b": Danger()}, OUT / "danger_legacy.bin", _use_new_zipfile_serialization=False)
    torch.save([ramp(2)], OUT / "no_names.bin")
    (OUT / "pickle.bin").write_bytes(pickle.dumps({"a": 1}, protocol=2))
    shards = {"pytorch_model-00001-of-00002.bin": ["f32", "f16"], "pytorch_model-00002-of-00002.bin": ["bf16"]}
    folder = OUT / "sharded"
    folder.mkdir(exist_ok=True)
    for shard, names in shards.items():
        torch.save({name: state_dict()[name].clone() for name in names}, folder / shard)
    weight_map = {name: shard for shard, names in shards.items() for name in names}
    index = {"metadata": {"total_size": 96}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=2) + "\n")


main()
