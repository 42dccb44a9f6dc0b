import numpy as np
import pytest
import torch
from torchaudio.compliance.kaldi import get_mel_banks

from cca_tools.taggers.mel import hz_to_mel, mel_bank
from cca_tools.taggers.registry import tagger_spec


def test_mel_of_known_frequencies():
    # 1127 ln 2 at 700 Hz; the scale puts 1000 Hz at 1000 mel
    assert hz_to_mel(np.array([0.0, 700.0])) == pytest.approx([0.0, 1127 * np.log(2)])
    assert hz_to_mel(np.array([1000.0])) == pytest.approx([1000.0], abs=0.1)


@pytest.mark.parametrize("name", ["efficientat-mn04", "yamnet"])
def test_bank_is_kaldis(name):
    spec = tagger_spec(name)
    kaldi, _ = get_mel_banks(
        spec.mel_bands, spec.fft, spec.sample_rate, spec.fmin, spec.fmax, 100.0, -500.0, 1.0
    )
    ours = torch.from_numpy(mel_bank(spec))
    assert ours.shape == (spec.fft // 2 + 1, spec.mel_bands)
    assert not ours[-1].any()  # Kaldi leaves out the highest bin
    torch.testing.assert_close(ours[:-1].T, kaldi, atol=2e-5, rtol=0)


def test_triangles_sum_to_one_between_the_outer_centres():
    spec = tagger_spec("yamnet")
    bank = mel_bank(spec)
    hertz = np.arange(spec.fft // 2 + 1) * spec.sample_rate / spec.fft
    low, high = hz_to_mel(np.array([spec.fmin, spec.fmax]))
    step = (high - low) / (spec.mel_bands + 1)
    inside = (hz_to_mel(hertz) >= low + step) & (hz_to_mel(hertz) <= high - step)
    np.testing.assert_allclose(bank[inside].sum(axis=1), 1.0, atol=1e-5)
    assert (bank >= 0).all()
