from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from cca_tools.errors import DataError, UsageError, WeightsError
from cca_tools.splits import SplitFile, make_splits, write_splits
from ccl.ablation.plan import make_plan
from ccl.ablation.settings import AblationSettings, Variant, parse_variant
from ccl.data.batches import TrainBatches
from ccl.data.study import load_study
from ccl.methods.settings import MethodSettings
from ccl.models.registry import student_spec
from ccl.training.config import as_dict, differences, flat

from .small_workspace import LEVELS, QUICK

BOTH = ("highly_correlated", "not_correlated")


def settings(splits=BOTH, methods="baseline,ccl", **more):
    variants = tuple(parse_variant(name) for name in methods.split(","))
    given = {"seeds": (0, 1), "assignments": QUICK} | more
    return AblationSettings(splits=splits, variants=variants, **given)


def test_a_cell_for_each_split_method_and_seed(small):
    plan = make_plan(small, settings())
    assert len(plan.cells) == 8
    assert [place for cell in plan.cells for place in cell.places] == [
        (split, method, seed) for seed in (0, 1) for split in BOTH for method in ("baseline", "ccl")
    ]
    folders = [cell.folder.relative_to(small.runs).as_posix() for cell in plan.cells]
    assert folders[:2] == [
        "baseline-none/highly_correlated/seed0", "ccl-audio/highly_correlated/seed0"
    ]  # fmt: skip
    assert len({cell.identity for cell in plan.cells}) == 8
    assert plan.strata == {
        "highly_correlated": {"highly_correlated": ("c0", "c1")},
        "not_correlated": {"not_correlated": ("c2", "c3")},
    }
    assert not any(cell.is_done for cell in plan.cells)


def test_all_methods_of_a_seed_see_the_same_clips_in_the_same_order(small):
    plan = make_plan(small, settings(methods="baseline,labels-only,ccl,crd", seeds=(3,)))
    seen = []
    for cell in plan.cells[:4]:
        study = load_study(small, cell.config.data)
        batches = TrainBatches(study, student_spec("tiny"), cell.config.data)
        seen.append([(b.index.numpy(), b.clips.numpy()) for e in (0, 1) for b in batches.epoch(e)])
    for one, other in pairwise(seen):
        assert len(one) == len(other) > 2
        for (index, clips), (index2, clips2) in zip(one, other, strict=True):
            assert np.array_equal(index, index2)
            assert np.array_equal(clips, clips2)


def test_cells_differ_in_method_and_teacher_alone(small):
    plan = make_plan(small, settings(methods="baseline,ccl,crd"))
    base, ccl, crd = (as_dict(cell.config) for cell in plan.cells[:3])
    assert [line.split()[0] for line in differences(base, ccl)] == [
        "data.audio_teacher", "data.distill", "method.name"  # no teacher is named without one
    ]  # fmt: skip
    assert [line.split()[0] for line in differences(ccl, crd)] == ["method.name"]
    assert flat(base)["data.sampling"] == "balanced"


def test_batches_do_not_depend_on_which_methods_are_compared(small):
    alone, beside = (make_plan(small, settings(methods=m)) for m in ("baseline", "baseline,ccl"))
    assert alone.cells[0].identity == beside.cells[0].identity
    chosen = make_plan(small, settings(assignments=(*QUICK, "data.sampling=shuffled")))
    assert {cell.config.data.sampling for cell in chosen.cells} == {"shuffled"}


def test_masked_trains_on_all_and_distils_for_the_split(small):
    plan = make_plan(small, settings(protocol="masked", seeds=(0,)))
    cells = {cell.places[0]: cell for cell in plan.cells}
    assert len(plan.cells) == 3  # the baseline is the same for both
    assert plan.cells[0].places == (
        ("highly_correlated", "baseline", 0), ("not_correlated", "baseline", 0)
    )  # fmt: skip
    for split in BOTH:
        data = cells[split, "ccl", 0].config.data
        assert (data.split, data.teacher_split) == ("all", split)
        study = load_study(small, data)
        taught = study.teachers["audio"].present[study.train.rows]
        own = np.isin(study.train.class_names, plan.classes[split])
        assert np.array_equal(taught, own)
        assert own.any()
        assert not own.all()
    assert plan.strata["not_correlated"] == {
        "all": ("c0", "c1", "c2", "c3"), "highly_correlated": ("c0", "c1"),
        "not_correlated": ("c2", "c3"), "weak_or_high": ("c0", "c1"),
    }  # fmt: skip


def test_variants_have_settings_and_folders_of_their_own(small):
    variants = (*settings().variants, parse_variant("no-jsd=ccl,method.weights.jsd=0"))
    plan = make_plan(small, AblationSettings(("all",), variants, seeds=(0,), assignments=QUICK))
    assert [cell.folder.parts[-3] for cell in plan.cells] == [
        "baseline-none", "ccl-audio", "no-jsd-audio"
    ]  # fmt: skip
    assert plan.cells[2].config.method.weights == {"jsd": 0.0}


def test_what_changes_no_result_changes_no_identity(small):
    one = make_plan(small, settings())
    other = make_plan(small, settings(assignments=(*QUICK, "data.cache=disk", "data.workers=2")))
    assert [c.identity for c in one.cells] == [c.identity for c in other.cells]
    lower = make_plan(small, settings(assignments=(*QUICK, "optim.lr=0.001")))
    assert not {c.identity for c in one.cells} & {c.identity for c in lower.cells}


def test_other_data_make_another_run(workspace):
    before = make_plan(workspace, settings())
    levels = LEVELS | {"c1": "weakly", "c2": "highly"}
    write_splits(workspace.splits, SplitFile(make_splits(levels), levels, "x", "", ""))
    after = make_plan(workspace, settings(splits=("highly_correlated",)))
    assert not {c.identity for c in before.cells} & {c.identity for c in after.cells}


def test_other_weights_in_a_file_of_the_same_name_make_another_run(small, tmp_path):
    path = tmp_path / "weights.pt"
    given = settings(seeds=(0,), assignments=(*QUICK, f"student.weights={path}"))
    with pytest.raises(WeightsError, match="no weights at"):
        make_plan(small, given)
    seen = []
    for content in (b"one", b"two", b"one"):
        path.write_bytes(content)
        seen.append([cell.identity for cell in make_plan(small, given).cells])
    assert seen[0] == seen[2]
    assert not set(seen[0]) & set(seen[1])


def test_a_run_of_other_settings_in_the_folder_is_left_alone(workspace):
    cell = make_plan(workspace, settings()).cells[0]
    config = as_dict(cell.config) | {"preset": "demo"}
    other = json.loads(json.dumps(config)) | {"optim": config["optim"] | {"lr": 0.5}}
    cell.folder.mkdir(parents=True)
    for written, expected in ((config, cell.folder), (other, None)):
        about = {"config": written, "classes": ["c0", "c1"], "data": cell.data.fingerprint}
        (cell.folder / "config.json").write_text(json.dumps(about))
        again = make_plan(workspace, settings()).cells[0]
        apart = cell.folder.with_name(f"seed0-{cell.identity[:8]}")
        assert again.folder == (expected or apart)
        assert again.identity == cell.identity


def test_empty_splits_are_named_and_the_others_planned(small):
    plan = make_plan(small, settings(splits=("weakly_correlated", "not_correlated")))
    assert set(plan.classes) == {"not_correlated"}
    assert plan.lacks == ("weakly_correlated: no class, and telling apart takes 2",)


def test_with_every_split_empty_there_is_nothing_to_train(small):
    with pytest.raises(DataError, match="weakly_correlated: no class"):
        make_plan(small, settings(splits=("weakly_correlated",)))


def test_data_that_cannot_be_trained_on_are_told_before_anything_starts(workspace):
    """The features of the audio teacher lack all videos of one split."""
    from ccl.data.features import feature_path, write_features

    few = {f"c{c}-{n}": np.ones(8, np.float32) for c in (0, 1) for n in range(10)}
    write_features(feature_path(workspace, "planted"), few)
    plan = make_plan(workspace, settings(seeds=(0,)))
    assert len(plan.cells) == 3
    ((place, why),) = plan.refused.items()
    assert place == ("not_correlated", "ccl", 0)
    assert "no embedding of any of the 20 videos" in why
    with pytest.raises(DataError, match="no cell can be trained"):
        make_plan(workspace, settings(splits=("not_correlated",), methods="ccl"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"splits": ("nowhere",)}, "no split is called 'nowhere'"),
        ({"assignments": ("optim.speed=3",)}, "baseline: there is no setting 'optim.speed'"),
        ({"distill": ()}, "ccl: ccl distils from a teacher, and none is named"),
        ({"assignments": ("student.name=huge",)}, "huge"),
    ],
)
def test_wrong_use_is_refused(small, wrong, said):
    with pytest.raises(UsageError) as error:
        make_plan(small, settings(**wrong))
    assert said in str(error.value)


def test_common_settings_reach_the_methods_that_heed_them(small):
    """Those of no use to a method leave its runs as they are; its own must be of use."""
    more = (
        "method.temperatures.audio=0.2", "method.balance=0.7", "data.videos_per_class=1",
        "optim.schedule=steps", "optim.milestones=[4]",
    )  # fmt: skip
    methods = "baseline,ccl,kd"
    base, ccl, kd = (
        cell.config
        for cell in make_plan(
            small, settings(("all",), methods, seeds=(0,), assignments=(*QUICK, *more))
        ).cells
    )
    assert (ccl.method.temperatures.audio, ccl.method.balance) == (0.2, 0.7)
    assert base.method == MethodSettings("baseline")
    assert kd.method == MethodSettings("kd")
    assert (base.data.audio_teacher, kd.data.audio_teacher) == ("tags", "planted")
    assert {c.data.videos_per_class for c in (base, ccl, kd)} == {1}
    assert {c.optim.milestones for c in (base, ccl, kd)} == {(4,)}
    for own in ("method.temperatures.kd=2", "optim.gamma=0.5"):
        variants = (parse_variant("baseline"), parse_variant(f"own=ccl,{own}"))
        with pytest.raises(UsageError, match=r"own: .* is of no use to this run of ccl-audio"):
            make_plan(small, AblationSettings(("all",), variants, assignments=QUICK))


def test_masked_is_refused_with_images_which_are_not_masked(small):
    with pytest.raises(UsageError, match=r"data.teacher_split .* of no use .* --distill audio al"):
        make_plan(small, settings(protocol="masked", distill=("audio", "image")))


def test_a_label_does_not_hide_that_two_cells_are_one_run(small):
    variants = (Variant("a", "ccl"), Variant("b", "ccl"))
    plan = make_plan(small, AblationSettings(("all",), variants, seeds=(0,), assignments=QUICK))
    assert [cell.places for cell in plan.cells] == [(("all", "a", 0), ("all", "b", 0))]
