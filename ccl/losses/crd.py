"""Contrastive representation distillation, with a memory for the student and the teacher."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ccl.losses.counted import Counted, row_counts
from ccl.losses.memory import Memory, MemorySettings
from ccl.losses.memory_contrast import Partition, nce_objective
from ccl.models.heads import UnitHead
from ccl.numerics import all_present, keep_rows, seeded


class Crd(nn.Module):
    """Tell a video's own pair of student and teacher from pairs with videos drawn at random.

    Both are mapped to one space. The student's vector is contrasted with the teacher's memory
    and the teacher's with the student's, each by ``nce_objective``; the loss is the sum. Then,
    in training only, both memories move towards the new vectors. Both heads are trained along
    with the student. At evaluation nothing changes.

    Source: Tian et al., ICLR 2020; HobbitLong/RepDistiller at b84f547, crd/. Ours draws no
    numbers of its own, changes nothing at evaluation, and leaves absent rows out of the loss,
    of Z and of the memories. The memory of a video that is always absent keeps its random
    start: draw negatives by ``AliasTable`` with weight zero for it.

    Args:
        student_width: Of the student's embedding.
        teacher_width: Of the teacher's embedding.
        settings: Memory, common space and temperature.
        seed: From which heads and memories start.
    """

    def __init__(
        self, student_width: int, teacher_width: int, settings: MemorySettings, *, seed: int
    ) -> None:
        super().__init__()
        self.settings = settings
        with seeded(seed):
            self.student_head = UnitHead(student_width, settings.width)
            self.teacher_head = UnitHead(teacher_width, settings.width)
            self.student_memory = Memory(settings)
            self.teacher_memory = Memory(settings)
        self.student_partition = Partition()
        self.teacher_partition = Partition()

    def forward(
        self,
        student: Tensor,
        teacher: Tensor,
        index: Tensor,
        negatives: Tensor,
        *,
        present: Tensor | None = None,
    ) -> Counted:
        """Compute the loss, and update the memories if in training.

        Args:
            student: (B, student width).
            teacher: (B, teacher width).
            index: (B,), the place of each row's video in the data set, from 0 to N - 1.
            negatives: (B, K), places of the videos to tell it from: see ``ccl.losses.sampling``.
            present: bool (B,).
        """
        here = all_present(student, present)
        student, teacher = keep_rows(student, present), keep_rows(teacher, present)
        s, t = self.student_head(student), self.teacher_head(teacher)
        items = torch.cat([index[:, None], negatives], dim=1)  # (B, K + 1)
        loss = self._side(s, self.teacher_memory, self.student_partition, items, here)
        loss = loss + self._side(t, self.student_memory, self.teacher_partition, items, here)
        if self.training:
            self.student_memory.update(index, s, here)
            self.teacher_memory.update(index, t, here)
        return Counted(loss, row_counts(here, student, teacher))

    def _side(
        self, anchors: Tensor, memory: Memory, partition: Partition, items: Tensor, here: Tensor
    ) -> Tensor:
        logits = memory.similarities(anchors, items) / self.settings.temperature
        log_density = partition(logits, self.settings.num_items, here)
        return nce_objective(log_density, self.settings.num_items, here)
