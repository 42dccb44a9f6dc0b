import json

import pytest

from cca_tools.errors import DataError
from cca_tools.taggers.labels import audioset_labels, yamnet_labels
from cca_tools.taggers.ontology import ancestors, children, name_of, ontology_mids, parents


@pytest.fixture(scope="module")
def published(shared):
    path = shared / "data" / "annotations" / "ontology.json"
    return {item["id"]: item for item in json.loads(path.read_text(encoding="utf-8"))}


def test_classes_and_children_are_the_published_ones(published):
    assert ontology_mids() == tuple(published)
    for mid, item in published.items():
        assert name_of(mid) == item["name"]
        assert children(mid) == tuple(item["child_ids"])


def test_parents_and_ancestors_against_a_walk_down(published):
    def below(mid):
        kinds = published[mid]["child_ids"]
        return set(kinds).union(*(below(kind) for kind in kinds))

    descendants = {mid: below(mid) for mid in published}
    for mid in published:
        assert set(parents(mid)) == {up for up in published if mid in published[up]["child_ids"]}
        assert set(ancestors(mid)) == {up for up in published if mid in descendants[up]}
        assert len(ancestors(mid)) == len(set(ancestors(mid)))


def test_nearest_ancestors_come_first():
    bark = ancestors("/m/05tny_")
    assert [name_of(mid) for mid in bark] == ["Dog", "Domestic animals, pets", "Animal"]


def test_every_label_is_in_the_ontology_under_the_same_name():
    for space in (audioset_labels(), yamnet_labels()):
        assert [name_of(mid) for mid in space.mids] == list(space.names)


def test_the_seven_roots_have_no_parents():
    roots = [name_of(mid) for mid in ontology_mids() if not parents(mid)]
    assert len(roots) == 7
    assert {"Human sounds", "Animal", "Music"} <= set(roots)


@pytest.mark.parametrize("ask", [name_of, parents, children, ancestors])
def test_an_unknown_class_is_refused(ask):
    with pytest.raises(DataError, match="no class '/m/nothing'"):
        ask("/m/nothing")
