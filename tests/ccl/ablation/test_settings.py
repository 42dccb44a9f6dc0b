from __future__ import annotations

import pytest

from cca_tools.errors import UsageError
from ccl.ablation.settings import AblationSettings, Variant, parse_variant

CCL = (Variant("ccl", "ccl"),)


def test_a_variant_is_a_method_with_a_label_and_settings_of_its_own():
    assert parse_variant("crd") == Variant("crd", "crd")
    assert parse_variant("few = crd, method.memory.negatives=10,method.memory.width=4") == Variant(
        "few", "crd", ("method.memory.negatives=10", "method.memory.width=4")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "no method 'nothing'"),
        ("a=nothing", "no method 'nothing'"),
        ("../up=ccl", "cannot name a method"),
        ("a/b=ccl", "cannot name a method"),
        ("", "cannot name a method"),
        ("x=ccl,method.balance", "assigns nothing"),
    ],
)
def test_what_is_no_variant_is_refused(text, said):
    with pytest.raises(UsageError) as error:
        parse_variant(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"splits": ()}, "no split"),
        ({"variants": ()}, "no method"),
        ({"seeds": ()}, "no seed"),
        ({"seeds": (1, 2, 1)}, "the seed 1 is given twice"),
        ({"splits": ("all", "all")}, "the split all is given twice"),
        ({"variants": CCL + CCL}, "the method ccl is given twice"),
        ({"distill": ("smell",)}, "cannot distil 'smell'"),
        ({"name": "../x"}, "cannot name an ablation"),
        ({"name": "x-classes"}, "another one could"),
        ({"name": "x-seeds"}, "another one could"),
        ({"assignments": ("data.seed=3",)}, "data.seed is what the ablation itself varies"),
        ({"assignments": ("data.teacher_split=all",)}, "the ablation itself varies"),
        ({"variants": (Variant("x", "ccl", ("data.split=all",)),)}, "itself varies"),
        ({"assignments": ("optim.lr",)}, "assigns nothing"),
    ],
)
def test_an_ablation_that_makes_no_sense_is_refused(wrong, said):
    with pytest.raises(UsageError) as error:
        AblationSettings(**({"splits": ("all",), "variants": CCL} | wrong))
    assert said in str(error.value)
