import ast
import importlib
import inspect
import subprocess
import sys

import neurotrial.extract as package


def test_names_come_from_their_modules_and_hide_none():
    for name in package.__all__:
        value = getattr(package, name)
        assert not inspect.ismodule(value)
    homes = {name: module for module, names in package._HOMES.items() for name in names}
    assert sorted(homes) == sorted(package.__all__)
    for name, module in homes.items():
        assert name in importlib.import_module(f"neurotrial.extract.{module}").__all__


def test_type_checkers_see_the_same_names():
    tree = ast.parse(inspect.getsource(package))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {(node.module, alias.name) for node in guarded.body for alias in node.names}
    assert seen == {
        (f"neurotrial.extract.{module}", name) for module, names in package._HOMES.items() for name in names
    }


def test_the_package_is_light():
    code = "import sys, neurotrial.extract; print({'numpy', 'pandas', 'nibabel', 'dipy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_public_functions_say_what_they_take_and_give():
    for name in package.__all__:
        value = getattr(package, name)
        if inspect.isfunction(value):
            sections = inspect.getdoc(value)
            assert "Parameters\n---" in sections or not inspect.signature(value).parameters
            assert "Returns\n---" in sections
