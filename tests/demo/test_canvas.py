import numpy as np
import pytest

from cca_tools.demo.canvas import ASPECT, HEIGHT, WHITE, WIDTH, Canvas, mixed, turned
from cca_tools.demo.place import Place


@pytest.fixture
def canvas():
    return Canvas(np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32))


def area(canvas):
    """What was painted white, in squares of one picture height."""
    return canvas.picture[:, :, 0].sum() / HEIGHT**2


def shoelace(corners):
    total = 0.0
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        total += x0 * y1 - x1 * y0
    return abs(total) / 2


def test_a_disc_covers_its_area_round_its_centre(canvas):
    canvas.disc((0.6, 0.4), 0.2, WHITE)
    assert area(canvas) == pytest.approx(np.pi * 0.04, rel=0.01)
    rows, columns = np.indices((HEIGHT, WIDTH)) + 0.5
    weight = canvas.picture[:, :, 0]
    assert (weight * columns).sum() / weight.sum() / HEIGHT == pytest.approx(0.6, abs=0.002)
    assert (weight * rows).sum() / weight.sum() / HEIGHT == pytest.approx(0.4, abs=0.002)


def test_an_ellipse_and_a_ring(canvas):
    canvas.ellipse((0.6, 0.5), (0.3, 0.1), WHITE)
    assert area(canvas) == pytest.approx(np.pi * 0.03, rel=0.05)
    ring = Canvas(np.zeros_like(canvas.picture))
    ring.ring((0.6, 0.5), 0.3, 0.06, WHITE)
    assert area(ring) == pytest.approx(2 * np.pi * 0.3 * 0.06, rel=0.02)


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2])
def test_a_box_keeps_its_area_when_it_is_turned(canvas, angle):
    canvas.box((0.6, 0.5), (0.5, 0.2), WHITE, angle)
    assert area(canvas) == pytest.approx(0.1, rel=0.03)


def test_a_line_has_round_ends(canvas):
    canvas.line((0.3, 0.3), (0.9, 0.6), 0.1, WHITE)
    assert area(canvas) == pytest.approx(np.hypot(0.6, 0.3) * 0.1 + np.pi * 0.0025, rel=0.02)


@pytest.mark.parametrize("order", [1, -1], ids=["one way round", "the other"])
def test_a_polygon_covers_its_area_whichever_way_its_corners_run(canvas, order):
    corners = [(0.2, 0.2), (0.9, 0.1), (1.1, 0.7), (0.4, 0.8)][::order]
    canvas.polygon(corners, WHITE)
    assert area(canvas) == pytest.approx(shoelace(corners), rel=0.02)


def test_what_lies_outside_changes_nothing(canvas):
    canvas.disc((-1, 0.5), 0.3, WHITE)
    canvas.box((ASPECT + 1, 0.5), (0.5, 0.5), WHITE)
    canvas.line((0.5, 1.5), (0.9, 1.8), 0.1, WHITE)
    assert not canvas.picture.any()


def test_paint_is_laid_over_by_its_share(canvas):
    canvas.disc((0.6, 0.5), 0.2, WHITE, 0.25)
    assert canvas.picture[60, 72].tolist() == pytest.approx([0.25] * 3)
    assert mixed((0, 0, 0), (1, 1, 1), 0.25) == (0.25, 0.25, 0.25)


def test_the_ground_stays_as_it_was():
    ground = np.zeros((HEIGHT, WIDTH, 3), dtype=np.float32)
    Canvas(ground).disc((0.5, 0.5), 0.3, WHITE)
    assert not ground.any()


def test_turning_and_places():
    assert turned((1, 0), np.pi, (2, 0)) == pytest.approx((3, 0))
    mirrored = Place(0.5, 0.5, 0.1, way=-1)
    assert mirrored.at(1, 2) == pytest.approx((0.4, 0.7))
    quarter = Place(0.5, 0.5, 0.1, np.pi / 2)
    assert quarter.at(1, 0) == pytest.approx((0.5, 0.6))
