"""Copy-on-write for botocore's trees of event handlers.

Each client starts with a copy of its session's tree of handlers, 1,200 nodes, and adds a few handlers. Here a copy
shares all nodes, and an addition copies only the nodes from the root down to the changed one.
"""

from __future__ import annotations

from typing import Any

import botocore.hooks
from botocore.hooks import NodeList

from simulator.patches.patching import Patch

_Trie: Any = botocore.hooks._PrefixTrie
_MIDDLE = botocore.hooks._MIDDLE
_remove_item = _Trie.remove_item


def _copy(trie: Any) -> Any:
    """Both tries share all nodes from now on, so neither may change a node in place."""
    copied = _Trie()
    copied._root = trie._root
    trie._own = set()
    return copied


def _append_item(trie: Any, key: str, value: Any, section: int = _MIDDLE) -> None:
    """botocore's algorithm, except that it first copies a node that another trie may share."""
    own = _own(trie)
    current = trie._root = _owned(trie._root, own)
    for part in key.split("."):
        children = current["children"]
        below = children.get(part)
        children[part] = current = (
            _noted({"chunk": part, "values": None, "children": {}}, own) if below is None else _owned(below, own)
        )
    if current["values"] is None:
        current["values"] = NodeList([], [], [])
    current["values"][section].append(value)


def _remove(trie: Any, key: str, value: Any) -> None:
    """Copies the whole tree first, since removals are rare."""
    trie._root = _deep(trie._root, _own(trie))
    _remove_item(trie, key, value)


def _own(trie: Any) -> set[int]:
    """The ids of the nodes that belong to this trie alone; the trie keeps these nodes alive."""
    own: set[int] = vars(trie).setdefault("_own", set())
    return own


def _owned(node: dict[str, Any], own: set[int]) -> dict[str, Any]:
    if id(node) in own:
        return node
    return _noted(node | {"children": dict(node["children"]), "values": _values(node["values"])}, own)


def _deep(node: dict[str, Any], own: set[int]) -> dict[str, Any]:
    children = {part: _deep(child, own) for part, child in node["children"].items()}
    return _noted(node | {"children": children, "values": _values(node["values"])}, own)


def _values(values: Any) -> Any:
    return None if values is None else NodeList(*(list(section) for section in values))


def _noted(node: dict[str, Any], own: set[int]) -> dict[str, Any]:
    own.add(id(node))
    return node


def patches() -> list[Patch]:
    why = "1.4 ms a client: botocore copies the tree of handlers node by node"
    return [
        Patch(_Trie, "__copy__", _copy, why),
        Patch(_Trie, "append_item", _append_item, why),
        Patch(_Trie, "remove_item", _remove, why),
    ]
