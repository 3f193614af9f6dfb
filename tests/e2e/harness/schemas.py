"""Schemas of the served descriptions with no room for what they do not name: a key that nobody described is a fault."""
import copy

from jsonschema import Draft202012Validator, RefResolver


def at(document, ref):
    for part in ref.removeprefix("#/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


def closed(document):
    document = copy.deepcopy(document)

    def merge(node):
        """What is all of several schemas becomes one, since each of them closed would refuse the others' keys."""
        parts = [at(document, p["$ref"]) if "$ref" in p else p for p in node.pop("allOf")]
        node.update({"type": "object", "properties": {k: v for p in parts for k, v in p["properties"].items()},
                     "required": [k for p in parts for k in p["required"]]})

    def walk(node):
        for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            walk(value)
        if isinstance(node, dict) and "allOf" in node:
            merge(node)
        if isinstance(node, dict) and "properties" in node and "type" in node:
            node.setdefault("additionalProperties", False)

    walk(document)
    return document


def faults(document, schema, value):
    """document: what its references lead into."""
    resolver = RefResolver.from_schema(document)
    return [f"{'/'.join(map(str, e.path))}: {e.message}" for e in Draft202012Validator(schema, resolver=resolver).iter_errors(value)]
