import sys
from dataclasses import replace

import pytest

from cca_tools.errors import UsageError, WeightsError
from cca_tools.taggers import registry
from cca_tools.taggers.labels import label_space
from cca_tools.taggers.registry import load_tagger, register, tagger_names, tagger_spec
from cca_tools.taggers.weights import find_weights, verify_weights

NAMES = (
    "yamnet",
    "efficientat-mn04",
    "efficientat-mn10",
    "efficientat-mn20",
    "efficientat-mn40",
    "panns-cnn14",
    "panns-cnn14-emb512",
    "panns-cnn10",
    "panns-cnn6",
    "panns-mobilenetv1",
    "panns-mobilenetv2",
)


def test_all_taggers_are_there():
    assert tagger_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_an_entry_is_whole(name):
    spec = tagger_spec(name)
    assert spec.name == name
    assert spec.num_classes == len(label_space(spec.label_space))
    assert 0 <= spec.fmin < spec.fmax <= spec.sample_rate / 2
    assert spec.hop < spec.window <= spec.fft
    assert spec.min_samples >= spec.window
    weights = spec.weights
    assert weights.licence in {"Apache-2.0", "MIT", "CC-BY-4.0"}
    assert weights.bundled != weights.url.startswith("https://")
    assert weights.known_hash is None or weights.known_hash.startswith(("sha256:", "md5:"))


def test_the_bundled_weights_are_as_stated():
    spec = tagger_spec("yamnet")
    found = find_weights(spec)
    assert found.origin == "bundled"
    assert found.path.stat().st_size == spec.weights.bytes
    assert verify_weights(spec, found.path).good


def test_the_weights_at_hand_are_as_stated(shared):
    spec = tagger_spec("efficientat-mn04")
    path = shared / "models" / spec.weights.name
    assert path.stat().st_size == spec.weights.bytes
    assert verify_weights(spec, path).good


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(UsageError, match=r"no tagger 'vggish'\. Known are yamnet, "):
        tagger_spec("vggish")


def test_a_name_is_taken_once(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))
    with pytest.raises(ValueError, match="registered twice"):
        register(tagger_spec("yamnet"))
    register(replace(tagger_spec("yamnet"), name="yamnet-of-mine"))
    assert tagger_names()[-1] == "yamnet-of-mine"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"device": "tpu"}, "no device 'tpu'"),
        ({"precision": "int8"}, "no precision 'int8'"),
    ],
)
def test_unknown_settings_are_refused(settings, message):
    with pytest.raises(UsageError, match=message):
        load_tagger("yamnet", **settings)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"weights .*absent\.pth are not there"):
        load_tagger("yamnet", weights=tmp_path / "absent.pth")


def test_listing_needs_no_torch(run_python):
    run_python(
        "import sys\n"
        "from cca_tools.taggers import LabelSpace, tagger_names, tagger_spec\n"
        "from cca_tools.taggers.overview import tagger_overview\n"
        "assert len(tagger_overview()) == len([tagger_spec(n) for n in tagger_names()])\n"
        "assert 'torch' not in sys.modules\n"
    )
    assert "torch" in sys.modules
