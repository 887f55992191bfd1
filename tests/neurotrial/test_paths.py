from __future__ import annotations

from pathlib import Path

import pytest

from neurotrial.errors import InputError
from neurotrial.paths import file_hash, inside, replacing, writable_folder, write_text


@pytest.mark.parametrize(
    "name", ["../x.tsv", "tables/../../x.tsv", "/etc/hosts", "tables/../../study-2/x.tsv"]
)
def test_a_path_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "study").mkdir()
    with pytest.raises(InputError, match="outside the study folder"):
        inside(tmp_path / "study", name)


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "secret.tsv").write_text("x")
    (tmp_path / "study" / "motor.tsv").symlink_to(tmp_path / "secret.tsv")
    with pytest.raises(InputError, match="outside the study folder"):
        inside(tmp_path / "study", "motor.tsv")


def test_a_path_inside_is_resolved(tmp_path: Path) -> None:
    assert inside(tmp_path, "tables/../tables/x.tsv") == tmp_path.resolve() / "tables" / "x.tsv"


def test_replacing_leaves_the_old_file_when_the_work_fails(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    target.write_text("old")

    def fail_half_way() -> None:
        with replacing(target) as temporary:
            temporary.write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_replacing_puts_the_new_file_in_place(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_text_is_written_as_it_stands(tmp_path: Path) -> None:
    target = tmp_path / "x.txt"
    for text in ("old", "naïve\r\nnew\n"):
        write_text(target, text)
        assert target.read_bytes() == text.encode()
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_in_place_of_a_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        writable_folder(tmp_path / "results")


def test_file_hash_is_blake2b_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert file_hash(tmp_path / "empty") == "cae66941d9efbd404e4d88758ea67670"
