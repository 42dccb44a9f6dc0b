from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cca_tools.errors import DataError
from ccl.evaluation.predictions import COLUMNS, read_predictions, write_predictions

from .said import make_predictions, random_predictions


def test_what_is_written_is_read(tmp_path):
    said = random_predictions(7, 5)
    write_predictions(said, tmp_path / "p.parquet")
    back = read_predictions(tmp_path / "p.parquet")
    assert back.classes == said.classes
    pd.testing.assert_frame_equal(back.videos, said.videos, check_dtype=False)
    np.testing.assert_array_equal(back.probs, said.probs)
    np.testing.assert_array_equal(back.embeddings, said.embeddings)


def test_the_columns_are_those_of_the_contract(tmp_path):
    said = make_predictions([0, 2], [[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], [[1.0, 2], [3, 4]])
    write_predictions(said, tmp_path / "p.parquet")
    table = pq.read_table(tmp_path / "p.parquet")
    assert tuple(table.column_names) == COLUMNS
    assert table.schema.field("probs").type == pa.list_(pa.float32(), 3)
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 2)
    frame = table.to_pandas()
    assert frame["top5"].map(list).tolist() == [
        ["cat|s", "$owl$", "dog"],
        ["dog", "$owl$", "cat|s"],
    ]
    np.testing.assert_allclose(frame["top5_probs"][0], [0.5, 0.3, 0.2])
    assert frame["class_name"].tolist() == ["dog", "$owl$"]


def test_a_split_is_cut_out():
    said = make_predictions([0, 1, 2], np.eye(3))
    said.videos["split"] = ["test", "train", "test"]
    part = said.of_split("test")
    assert part.videos["target"].tolist() == [0, 2]
    np.testing.assert_array_equal(part.probs, np.eye(3, dtype=np.float32)[[0, 2]])


def test_a_video_that_stands_twice_is_refused(tmp_path):
    said = make_predictions([0, 1], np.eye(3)[:2])
    said.videos["video_id"] = "same"
    with pytest.raises(DataError, match="'same' is predicted twice"):
        write_predictions(said, tmp_path / "p.parquet")
    assert not (tmp_path / "p.parquet").exists()


def test_what_is_no_predictions_is_named(tmp_path):
    path = tmp_path / "p.parquet"
    with pytest.raises(DataError, match="no predictions"):
        read_predictions(path)
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match="cannot be read"):
        read_predictions(path)
    pd.DataFrame({"video_id": ["a"]}).to_parquet(path)
    with pytest.raises(DataError, match="lacks class_name"):
        read_predictions(path)
