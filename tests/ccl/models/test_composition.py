import pytest
import torch
from torch.nn.functional import normalize

from ccl.models.composition import Composition
from ccl.models.heads import UnitHead


def test_the_authors_values(released, close):
    entry = released.below("composition")
    composition = Composition(32, 7)
    for ours, theirs in {"residual": "mlp", "classifier": "fc"}.items():
        for end in ("weight", "bias"):
            composition.state_dict()[f"{ours}.{end}"].copy_(entry[f"state/{theirs}.{end}"])
    composed = composition(entry["teacher"], entry["video"])
    close(composed.embedding, entry["embedding"])
    close(composed.logits, entry["logits"])
    assert torch.equal(composed.teacher, entry["teacher"])


def test_a_teacher_of_another_width_is_projected_first(close):
    composition = Composition(4, 3, teacher_width=6).double()
    teacher, video = torch.randn(5, 6).double(), torch.randn(5, 4).double()
    composed = composition(teacher, video)
    projected = teacher @ composition.projection.weight.T + composition.projection.bias
    pair = torch.cat([normalize(projected), normalize(video)], 1)
    embedding = projected + pair @ composition.residual.weight.T + composition.residual.bias
    close(composed.teacher, projected.detach(), 1e-12)
    close(composed.embedding, embedding.detach(), 1e-12)
    logits = embedding @ composition.classifier.weight.T + composition.classifier.bias
    close(composed.logits, logits.detach(), 1e-12)


def test_equal_widths_need_no_projection():
    assert Composition(4, 3).projection is None
    assert Composition(4, 3, teacher_width=4).projection is None


@pytest.mark.parametrize("teacher_width", [4, 6])
def test_frozen_passes_gradients_by_the_parameters(close, teacher_width):
    composition = Composition(4, 3, teacher_width=teacher_width).double()
    inputs = [torch.randn(5, d).double().requires_grad_() for d in (teacher_width, 4)]
    free = composition(*inputs)
    expected = torch.autograd.grad(free.logits.square().sum() + free.embedding.sum(), inputs)
    frozen = composition(*inputs, frozen=True)
    (frozen.logits.square().sum() + frozen.embedding.sum()).backward()
    assert torch.equal(free.logits, frozen.logits)
    for x, gradient in zip(inputs, expected, strict=True):
        close(x.grad, gradient, 1e-12)
    assert all(parameter.grad is None for parameter in composition.parameters())


def test_zero_vectors_have_a_finite_gradient():
    composition = Composition(4, 3)
    teacher, video = torch.zeros(1, 4), torch.zeros(1, 4, requires_grad=True)
    composed = composition(teacher, video)
    composed.logits.sum().backward()
    assert video.grad.abs().max() == 0
    assert torch.equal(composed.embedding, composition.residual.bias[None])


def test_unit_heads_give_unit_vectors_and_keep_zeros():
    head = UnitHead(3, 5)
    x = torch.randn(4, 3)
    mapped = x @ head.linear.weight.T + head.linear.bias
    torch.testing.assert_close(head(x), mapped / mapped.norm(dim=1, keepdim=True))
    with torch.no_grad():
        head.linear.bias.zero_()
    assert head(torch.zeros(1, 3)).tolist() == [[0] * 5]
    assert head(x.bfloat16()).dtype == torch.float32
