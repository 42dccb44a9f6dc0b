"""Opening files: names are names, what cannot be read is told, headers are believed with care."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys

import av
import pytest
from makers import Track, cut, tone, write_media
from privileges import obey_permissions

from cca_tools.media.audio import decode_audio
from cca_tools.media.containers import audio_end_s, open_container, why_unreadable

RATE = 16_000


@pytest.fixture
def wav(tmp_path):
    """Two seconds of a tone."""
    return write_media(tmp_path / "a.wav", Track(tone(2, RATE), RATE))


def test_a_good_file_has_no_reason(wav):
    assert why_unreadable(wav) is None
    (wav.parent / "link.wav").symlink_to(wav)
    assert why_unreadable(wav.parent / "link.wav") is None


def test_reasons(tmp_path, wav):
    (tmp_path / "x.mp4").mkdir()
    (tmp_path / "empty.mp4").touch()
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "round.mp4").symlink_to(tmp_path / "about.mp4")
    (tmp_path / "about.mp4").symlink_to(tmp_path / "round.mp4")
    (tmp_path / "broken.mp4").symlink_to(tmp_path / "gone.mp4")
    expected = {
        "x.mp4": ("decode_error", "it is a folder"),
        "empty.mp4": ("decode_error", "the file is empty (0 bytes)"),
        "fifo.mp4": ("decode_error", "it is no regular file"),
        "round.mp4": ("decode_error", "Too many levels of symbolic links"),
        "broken.mp4": ("missing_file", "there is no such file"),
        "gone.mp4": ("missing_file", "there is no such file"),
        "gone/x.mp4": ("missing_file", "there is no such file"),
        "a.wav/x.mp4": ("missing_file", "there is no such file"),
        "n" * 300: ("decode_error", "File name too long"),
        "null\0byte": ("decode_error", "embedded null byte"),
    }
    for name, reason in expected.items():
        assert why_unreadable(tmp_path / name) == reason, name
        sound = decode_audio(str(tmp_path / name), RATE)
        assert (sound.status, sound.detail) == reason, name


def test_a_device_is_no_file():
    assert decode_audio("/dev/zero", RATE).detail == "it is no regular file"


CHECK = (
    "import sys\n"
    "from cca_tools.media.audio import decode_audio\n"
    "sound = decode_audio(sys.argv[1], 16000)\n"
    "print(sound.status, sound.detail, sep=': ')"
)


@pytest.mark.parametrize(
    ("locked", "told"),
    [("a.wav", "decode_error: permission denied"), (".", "decode_error: Permission denied")],
)
def test_what_may_not_be_read(wav, locked, told):
    """In a process that must obey permission bits, also where the tests run as root."""
    place = wav.parent / locked
    place.chmod(0)
    done = subprocess.run(
        [sys.executable, "-c", CHECK, wav],
        preexec_fn=obey_permissions,
        capture_output=True,
        text=True,
        check=True,
    )
    place.chmod(0o700)
    assert done.stdout.strip() == told


@pytest.mark.parametrize(
    "name",
    ["http:..", "http:x.wav", "concat:a|b.wav", "-y.wav", "pipe:", "data:audio,x", "two\nlines.wav",
     "crypto:x.wav", "async:x.wav", "%02d.wav", " ", "subfile,,start,0,end,9,,:a.wav"],
)  # fmt: skip
def test_names_are_never_addresses(wav, name, monkeypatch):
    odd = wav.rename(wav.parent / name)
    assert decode_audio(str(odd), RATE).seconds == 2.0
    monkeypatch.chdir(odd.parent)
    assert decode_audio(name, RATE).seconds == 2.0


def test_bytes_that_are_no_text_are_a_name_too(wav):
    name = os.fsdecode(os.fsencode(wav.parent) + b"/caf\xe9 \xff.wav")
    wav.rename(name)
    sound = decode_audio(name, RATE)
    assert (sound.status, sound.seconds) == ("ok", 2.0)


M3U = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n"
PLAYLISTS = {
    "list.mkv": "ffconcat version 1.0\nfile '{}'\n",
    "list.mp4": "ffconcat version 1.0\nfile {}\n",
    "list.m3u8": M3U,
    "list.ts": M3U,
    "list.sdp": SDP,
    "list.mpd": "<MPD><Period><BaseURL>{}</BaseURL></Period></MPD>",
}


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_open_no_other_file(wav, name):
    """Neither by name, nor by path, nor themselves, for ever."""
    stream = write_media(wav.parent / "a.ts", Track(tone(2, 48_000), 48_000, "aac"))
    for target in (wav.name, wav, f"file:{wav}", stream.name, stream, name):
        path = wav.parent / name
        path.write_text(PLAYLISTS[name].format(target))
        sound = decode_audio(str(path), RATE)
        assert (sound.status, sound.num_samples) == ("decode_error", 0), target
        assert sound.detail


@pytest.mark.parametrize("name", PLAYLISTS)
def test_playlists_open_no_address(tmp_path, name):
    """Files come from strangers: a look at one must not tell anybody."""
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        path = tmp_path / name
        address = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        path.write_text(PLAYLISTS[name].format(address))
        assert decode_audio(str(path), RATE).status == "decode_error"
        with contextlib.suppress(TimeoutError):
            visits.append(server.accept())
    assert visits == []


def end_of(path):
    with open_container(str(path)) as container:
        return audio_end_s(container, container.streams.audio[0])


@pytest.mark.parametrize(
    ("suffix", "codec", "rate", "is_declared"),
    [
        ("wav", "pcm_s16le", RATE, True),
        ("wav", "adpcm_ima_wav", RATE, True),
        ("flac", "flac", RATE, True),
        ("m4a", "aac", 44_100, True),
        ("mov", "pcm_s16le", RATE, True),
        ("webm", "libopus", 48_000, True),
        ("mkv", "aac", 44_100, True),
        ("avi", "ac3", 32_000, True),
        ("avi", "pcm_s16le", RATE, True),
        ("mp3", "libmp3lame", 44_100, False),
        ("aac", "aac", 44_100, False),
        ("ts", "aac", 44_100, False),
        ("mpg", "mp2", 44_100, False),
    ],
)
@pytest.mark.parametrize("start_s", [0.0, 2.0])
def test_where_headers_say_that_the_sound_ends(tmp_path, suffix, codec, rate, is_declared, start_s):
    can_be_late = suffix in ("mov", "webm", "mkv", "ts", "mpg")
    if start_s and not can_be_late:
        start_s = 0.0
    path = write_media(
        tmp_path / f"a.{suffix}",
        Track(tone(3, rate), rate, codec, start_s=start_s),
        picture_s=1.0 if can_be_late or suffix == "avi" else 0.0,
    )
    if not is_declared:
        assert end_of(path) is None
        return
    assert end_of(path) == pytest.approx(3 + start_s, abs=0.1)


def riff(chunks, kind=b"RIFF"):
    body = b"WAVE" + b"".join(
        name + size.to_bytes(4, "little") + data for name, size, data in chunks
    )
    return kind + len(body).to_bytes(4, "little") + body


FMT = bytes.fromhex("0100 0100 803e0000 007d0000 0200 1000")  # mono, 16 kHz, 16 bits
SECOND = b"\0\x10" * RATE


@pytest.mark.parametrize(
    ("chunks", "status", "seconds"),
    [
        ([(b"fmt ", 16, FMT), (b"data", 32_000, SECOND)], "ok", 1.0),
        ([(b"fmt ", 16, FMT), (b"data", 64_000, SECOND)], "partial", 1.0),
        ([(b"fmt ", 16, FMT), (b"data", 0xFFFFFFFF, SECOND)], "ok", 1.0),  # a pipe's
        ([(b"fmt ", 16, FMT), (b"data", 0x7FFFFFFF, SECOND)], "ok", 1.0),
        ([(b"fmt ", 16, FMT), (b"data", 0, SECOND)], "ok", 1.0),
        ([(b"fmt ", 18, FMT + b"\0\0"), (b"LIST", 5, b"INFOx\0"), (b"data", 64_000, SECOND)],
         "partial", 1.0),
        ([(b"JUNK", 28, bytes(28)), (b"fmt ", 16, FMT), (b"data", 32_000, SECOND),
          (b"LIST", 4, b"INFO")], "ok", 1.0),
    ],
)  # fmt: skip
def test_wav_headers(tmp_path, chunks, status, seconds):
    path = tmp_path / "a.wav"
    path.write_bytes(riff(chunks))
    sound = decode_audio(str(path), RATE)
    assert (sound.status, sound.seconds) == (status, seconds)
    if status == "partial":
        assert sound.detail == "2.00 s declared, 1.00 s decoded"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("codec", ["libmp3lame", "ac3", "pcm_s16le"])
def test_a_cut_avi_is_partial(tmp_path, codec, share):
    whole = write_media(tmp_path / "a.avi", Track(tone(8, 32_000), 32_000, codec), picture_s=8)
    assert decode_audio(str(whole), RATE).status == "ok"
    whole.write_bytes(cut(whole.read_bytes(), share))
    sound = decode_audio(str(whole), RATE)
    assert sound.status == "partial"
    assert 0 < sound.seconds < 8
    assert f"s declared, {sound.seconds:.2f} s decoded" in sound.detail


def test_the_log_of_ffmpeg_is_quiet(tmp_path, capfd):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 40)
    decode_audio(str(tmp_path / "a.mp4"), RATE)
    assert capfd.readouterr() == ("", "")
    assert av.logging.get_level() == av.logging.PANIC
