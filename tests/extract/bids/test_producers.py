"""The patterns of producers are read strictly: what is wrong is told with its place, all at once."""

from __future__ import annotations

import pytest
from bids_files import put

from neurotrial.errors import InputError
from neurotrial.extract.bids.descriptions import Root
from neurotrial.extract.bids.patterns import ROLES, producer_of
from neurotrial.extract.bids.producers import load_producers

FAULTS = {
    "no TOML": ("[[producer]", "mine.toml: is not readable TOML"),
    "an unknown table": ("[producers]", "the file: 'producers' is not known\n  remedy: did you mean 'producer'?"),
    "no list": ("producer = 1", "producer: must be a list"),
    "no name": ("[[producer]]\nfolders = []", "has no 'name'"),
    "an unknown key": ('[[producer]]\nname = "a"\nfolder = "x"', "a: 'folder' is not known\n  remedy: did you mean 'folders'?"),
    "one name twice": ('[[producer]]\nname = "a"\n[[producer]]\nname = "a"', "a: is given twice"),
    "a number for a name": ("[[producer]]\nname = 1", "1 is no str"),
    "an unknown modality": ("[common.dti]\nfa = []", "common: 'dti' is not known"),
    "an unknown role": ("[common.dwi]\nleison = []", "common.dwi: 'leison' is not known\n  remedy: did you mean 'lesion'?"),
    "a pattern that is no list": ('[common.dwi]\nfa = {name = "x"}', "common.dwi.fa: must be a list of patterns"),
    "a pattern that is no table": ('[common.dwi]\nfa = ["x"]', "must be a table of keys and values"),
    "an unknown entity": ('[common.dwi]\nfa = [{name = "x", lable = "y"}]', "common.dwi.fa[0]: 'lable' is not known\n  remedy: did you mean 'label'?"),
    "a participant": ('[common.dwi]\nfa = [{name = "x", sub = "1"}]', "'sub' is not known"),
    "neither name nor suffix": ('[common.dwi]\nfa = [{desc = "x"}]', "needs either `name`, or `suffix` and `extension`"),
    "name and suffix": ('[common.dwi]\nfa = [{name = "x", suffix = "y", extension = ".z"}]', "needs either `name`, or"),
    "an unknown folder": ('[common.dwi]\nfa = [{name = "x", folder = "dti"}]', "fa[0].folder: 'dti' is not known"),
    "a factor in words": ('[common.dwi]\nfa = [{name = "x", factor = "1000"}]', "fa[0].factor: '1000' is no float"),
    "a factor of 0": ('[common.dwi]\nfa = [{name = "x", factor = 0.0}]', "fa[0].factor: 0 is not above 0"),
    "a list of numbers": ('[[producer]]\nname = "a"\nfolders = [1]', "a.folders: [1] is no list of texts"),
    "a switch in words": ('[[producer]]\nname = "a"\nfolder_decides = "yes"', "a.folder_decides: 'yes' is no bool"),
    "a table of no shape": ('[[producer]]\nname = "a"\n[producer.table]\nshape = "tall"\nseparator = ","\nnodes = 9', "'tall' is not long or wide"),
    "a tract without hemisphere": ('[[producer]]\nname = "a"\n[producer.table]\nshape = "wide"\nseparator = ","\nnodes = 9\ntracts = {cst = []}', "'cst' is no tract with its hemisphere"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_file_is_told(tmp_path, name):
    text, told = FAULTS[name]
    (path,) = put(tmp_path, "mine.toml", text=text)
    with pytest.raises(InputError) as raised:
        load_producers(path)
    assert told in str(raised.value)


def test_all_faults_are_told_at_once(tmp_path):
    (path,) = put(
        tmp_path, "mine.toml", text='[common.dwi]\nfa = [{name = "x", factor = 0.0, dask = "y"}]\nmd = 1'
    )
    with pytest.raises(InputError, match="3 problems"):
        load_producers(path)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(InputError, match=r"correct `imaging: producers` in study.yaml"):
        load_producers(tmp_path / "none.toml")


def test_own_producers_come_first_and_replace_ours(tmp_path):
    text = '[[producer]]\nname = "fsl"\n[producer.dwi]\nfa = [{name = "FA.nii"}]\n[common.dwi]\nfa = [{name = "all.nii"}]'
    (path,) = put(tmp_path, "mine.toml", text=text)
    mine = load_producers(path)
    assert next(iter(mine)) == "fsl"
    patterns = [pattern.name.pattern for pattern in mine["fsl"].roles["dwi"]["fa"] if pattern.name]
    assert patterns == [r"FA\.nii", r"all\.nii"]
    assert set(mine) == set(load_producers())
    assert "fa" not in mine["raw"].roles["dwi"]


def test_every_diffusivity_of_ours_states_its_factor():
    for producer in load_producers().values():
        for role in ("md", "ad", "rd", "l2", "l3"):
            factors = {pattern.factor for pattern in producer.roles["dwi"].get(role, ())}
            assert factors <= ({1.0, 1000.0} if producer.name == "dsistudio" else {1000.0})
        assert all(pattern.factor == 1 for pattern in producer.roles["dwi"].get("fa", ()))


def test_roles_stand_in_one_order():
    for producer in load_producers().values():
        for modality, roles in producer.roles.items():
            assert [role for role in ROLES[modality] if role in roles] == list(roles)


@pytest.mark.parametrize(
    ("maker", "folder", "raw", "wanted"),
    [
        ("QSIPrep", "anything", False, "qsiprep"), ("qsiprep", "anything", False, "qsiprep"), ("", "qsiprep-1.0", False, "qsiprep"),
        ("qsirecon", "qsirecon-DSIStudioGQI", False, "dsistudio"), ("qsirecon", "qsirecon-PYAFQ", False, "pyafq"),
        ("qsirecon", "qsirecon-DIPYDKI", False, "qsirecon"), ("", "tractseg", False, "tractseg"), ("Our lab", "fsl", False, "plain"),
        ("neurotrial", "simulated", False, "plain"), ("", "masks", False, "plain"), ("QSIPrep", "x", True, "raw"),
    ],
)  # fmt: skip
def test_who_made_a_derivative(maker, folder, raw, wanted):
    root = Root(f"/data/derivatives/{folder}", f"derivatives/{folder}", maker, "", raw)
    assert producer_of(root, load_producers()).name == wanted
