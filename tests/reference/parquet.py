"""Writes the Parquet files of parquet/: a small table of every kind of column that is read, packed in every way that is
read, and tables that are refused.

    python3 tests/reference/parquet.py tests/reference/parquet        # pyarrow 26
"""
import datetime
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
length = pa.array([1.5, None, 0.1, 2.0], pa.float64())
columns = {
    "length": length,
    "width": pa.array([1.5, 2.5, 0.1, 2.0], pa.float32()),
    "count": pa.array([3, -1, 2**40, 0], pa.int64()),
    "small": pa.array([1, 2, 255, 0], pa.uint8()),
    "code": pa.array(["01", "2", None, "01"]),
    "colour": pa.array(["red", "blue", "red", "red"]).dictionary_encode(),
    "sold": pa.array([True, False, None, True]),
    "class": pa.array(["b", "a", "b", "a"]),
    "__index_level_0__": pa.array([10, 11, 12, 13]),
}
table = pa.table(columns)
for packing in ["none", "snappy", "gzip", "lz4", "zstd"]:
    pq.write_table(table, folder / f"{packing}.parquet", compression=packing)
day = pa.array([datetime.date(2026, 11, 26)] * 4)
pq.write_table(pa.table({"length": length, "day": day, "class": columns["class"]}), folder / "dates.parquet")
gap = pa.array(["b", None, "b", "a"])
pq.write_table(pa.table({"length": length, "class": gap}), folder / "gap.parquet")
pq.write_table(pa.table({"length": length, "class": gap}).slice(0, 0), folder / "empty.parquet")
