"""An execution environment of a Lambda function, isolated from the rest of this process.

The function's modules come from its deployed package, never from imports of the process under the same name, and they
can import only what Lambda has (see `function_code`). While the function's code runs, these belong to the function:

    os.environ, sys.path, sys.meta_path, the package's names in sys.modules, importlib.import_module, sys.stdout,
    sys.stderr, logging's root logger, boto3's default session, os.urandom (seeded, so that uuid4 and all else that
    draws from it repeat with the seed)

They are swapped in at each turn of the function and out again before other code runs, also during an AWS call.
"""

from __future__ import annotations

import importlib
import io
import logging
import os
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import boto3

from simulator.services.lambda_.function_code import FunctionCode


class _Output(io.TextIOBase):
    """stdout of the function: whole lines go to its log."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._rest = ""

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        return len(text)

    def flush_rest(self) -> None:
        if self._rest:
            self._line(self._rest)
            self._rest = ""


class _RuntimeHandler(logging.Handler):
    """The handler that Lambda's runtime puts on the root logger, with its format."""

    def __init__(self, output: _Output, request_id: Callable[[], str]) -> None:
        super().__init__()
        self._output = output
        self._request_id = request_id
        self.setFormatter(
            logging.Formatter(
                "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(request)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"
            )
        )

    def emit(self, record: logging.LogRecord) -> None:
        record.request = self._request_id()
        self._output.write(self.format(record) + "\n")


class Sandbox:
    """One execution environment: a cold start makes it, its globals survive from invocation to invocation."""

    def __init__(self, code: FunctionCode, environment: dict[str, str], seed: str, log: Callable[[str], None]) -> None:
        self._code = code
        self._environment = environment
        self._seed = seed
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._output = _Output(log)
        self._modules = dict(code.libraries)
        self._names = set(self._modules)
        self._modules_seen = -1
        self._session: Any = None
        self._level = logging.WARNING
        self._loggers: dict[str, Any] = {}
        self._loggers_outside = 0
        self.request_id = ""
        self._handlers: list[logging.Handler] = [_RuntimeHandler(self._output, lambda: self.request_id)]
        self._saved: dict[str, Any] = {}

    def load(self, handler: str) -> Callable[[Any, Any], Any]:
        """Imports the handler ("package.module.function"); call it within the scope."""
        module_name, _, function = handler.rpartition(".")
        module = importlib.import_module(module_name.replace("/", "."))
        loaded: Callable[[Any, Any], Any] = getattr(module, function)
        self._code.keep_libraries()
        # Only the first cold start imports the libraries: the others must go on with the same random numbers.
        self._random.seed(f"{self._seed} loaded")
        return loaded

    def flush(self) -> None:
        self._output.flush_rest()

    # -- clock.Scope --------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        root = logging.getLogger()
        self._saved = {
            "environ": os.environ,
            "modules": self._take_modules(),
            "stdout": sys.stdout,
            "stderr": sys.stderr,
            "session": boto3.DEFAULT_SESSION,
            "handlers": root.handlers,
            "level": root.level,
            "urandom": os.urandom,
            "path": sys.path,
            "import_module": importlib.import_module,
        }
        # a plain dict, swapped as an object, which is fast: the function's code starts no processes
        os.environ = self._environment  # type: ignore[assignment]  # noqa: B003 - see above
        os.urandom = self._random.randbytes
        sys.path = self._code.path
        sys.meta_path.insert(0, self._code)
        importlib.import_module = self._code.import_module
        self._put_modules(self._modules)
        sys.stdout = sys.stderr = self._output
        boto3.DEFAULT_SESSION = self._session
        root.handlers = self._handlers
        self._set_level(root, self._level)
        self._put_loggers()

    def leave(self) -> None:
        root = logging.getLogger()
        saved = self._saved
        self._take_loggers()
        self._modules = self._take_modules()
        self._put_modules(saved["modules"])
        self._session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, saved["session"]
        self._handlers, root.handlers = root.handlers, saved["handlers"]
        self._level = root.level
        self._set_level(root, saved["level"])
        sys.stdout, sys.stderr = saved["stdout"], saved["stderr"]
        importlib.import_module = saved["import_module"]
        sys.meta_path.remove(self._code)
        sys.path = saved["path"]
        os.urandom = saved["urandom"]
        os.environ = saved["environ"]  # noqa: B003 - the object that was there
        self._saved = {}

    def _put_loggers(self) -> None:
        known = logging.Logger.manager.loggerDict
        self._loggers_outside = len(known)
        known.update(self._loggers)

    def _take_loggers(self) -> None:
        """Removes the named loggers of the function: another cold start finds none, as in a new process."""
        known = logging.Logger.manager.loggerDict
        # dicts keep their order: the entries added last came from the function
        for name in list(known)[self._loggers_outside :]:
            self._loggers[name] = known.pop(name)

    @staticmethod
    def _set_level(root: logging.Logger, level: int) -> None:
        if root.level != level:  # each change clears the caches of all loggers
            root.setLevel(level)

    def _take_modules(self) -> dict[str, ModuleType]:
        """Removes the modules that share a name with the package's from sys.modules, and returns them.

        Looking through all names takes a quarter of a millisecond, so that is done only when something was imported.
        """
        if len(sys.modules) != self._modules_seen:
            self._names |= {name for name in sys.modules if name.partition(".")[0] in self._code.roots}
        return {name: sys.modules.pop(name) for name in self._names if name in sys.modules}

    def _put_modules(self, modules: dict[str, ModuleType]) -> None:
        sys.modules.update(modules)
        self._modules_seen = len(sys.modules)
