"""The modules that a function can import: those of its package and of Lambda, none of this process."""

from __future__ import annotations

import importlib
import sys

import pytest

from simulator import Simulator
from tests.simulator.sample import FUNCTION, Sample, deploy, outcome, package, redeploy


@pytest.mark.parametrize("statement", ["import yaml", "from moto import core", "import engine.core"])
@pytest.mark.parametrize("place", ["at the top", "in the handler"])
def test_a_library_of_the_process_cannot_be_imported(
    aws: Simulator, sample: Sample, statement: str, place: str
) -> None:
    importlib.import_module(statement.split()[1])
    head = f"{statement}\n" if place == "at the top" else ""
    redeploy(sample, f"{head}def handler(event, context):\n    {statement}")
    _, document = outcome(sample)
    assert document["errorType"] == ("Runtime.ImportModuleError" if head else "ModuleNotFoundError")
    assert f"No module named '{statement.split()[1].split('.')[0]}'" in document["errorMessage"]


@pytest.mark.parametrize("name", ["yaml", "cfnlint", "werkzeug.serving"])
def test_a_library_of_the_process_cannot_be_imported_by_name(aws: Simulator, sample: Sample, name: str) -> None:
    redeploy(
        sample, "import importlib\ndef handler(event, context): return str(importlib.import_module(event['Name']))"
    )
    assert outcome(sample, Name=name)[1]["errorType"] == "ModuleNotFoundError"
    assert outcome(sample, Name="json.tool")[1].startswith("<module 'json.tool'")


def test_the_function_can_import_what_lambda_has(aws: Simulator, sample: Sample) -> None:
    libraries = "boto3, botocore.session, dateutil.tz, jmespath, s3transfer.manager, six, urllib3.util.retry"
    redeploy(sample, f"import {libraries}, sqlite3, xml.sax, zoneinfo\ndef handler(event, context): return 'imported'")
    assert outcome(sample) == (None, "imported")


def test_a_library_of_the_package_is_not_that_of_the_process(aws: Simulator, sample: Sample) -> None:
    code = "import yaml\ndef handler(event, context): return yaml.__version__, yaml.where()"
    files = {"yaml/__init__.py": "from yaml.place import where\n__version__ = 'packaged'", "yaml/place.py": PLACE}
    sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code, files))
    assert outcome(sample)[1] == ["packaged", "/yaml/place.py"]
    assert importlib.import_module("yaml").__version__ != "packaged"


PLACE = "def where(): return __file__[-len('/yaml/place.py'):]"


def test_environments_share_libraries_and_have_modules_of_their_own() -> None:
    code = """
    import app.helper, yaml
    def handler(event, context):
        yaml.count += 1
        app.helper.count += 1
        return yaml.count, app.helper.count
    """
    seen = []
    for _ in range(2):
        with Simulator() as aws:
            sample = deploy(aws)
            files = {"yaml/__init__.py": "count = 0", "app/helper.py": "count = 0"}
            sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code, files))
            seen.append(outcome(sample)[1])
    assert seen == [[1, 1], [2, 1]]


def test_the_process_keeps_its_own_way_to_import(aws: Simulator, sample: Sample) -> None:
    before = (sys.path, list(sys.path), list(sys.meta_path), importlib.import_module)
    assert sample.invoke(Action="look")["name"] == FUNCTION
    assert before == (sys.path, list(sys.path), list(sys.meta_path), importlib.import_module)
    assert sys.path is before[0]
