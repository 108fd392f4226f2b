#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""contract.py OPENAPI EXCHANGES: is every answer as the specification has it, and was every operation asked for?

EXCHANGES has one JSON object a line: method, path (with its query), status, type and body. An answer must have a status of its operation, and
what is in it must be all that the schema says and nothing that it does not. Beside the specification's own statuses Conduit answers 403 and 404, as the
project's page on error handling has them: their bodies are those of its GenericError.
"""
import json
import re
import sys

try:
    import jsonschema
    import yaml
except ImportError as missing:
    print(f"contract: {missing.name} is missing: scripts/setup test installs it", file=sys.stderr)
    sys.exit(77)

BESIDE = ("403", "404")
formats = jsonschema.FormatChecker(formats=())


@formats.checks("date-time")
def is_date_time(value):
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", value) is not None


def close(schema):
    """Makes what a schema does not name an error."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)
    elif isinstance(schema, list):
        for part in schema:
            close(part)


def resolve(document, part):
    """The part with what it refers to put in its place: none of it refers to itself."""
    if isinstance(part, list):
        return [resolve(document, item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found = document
        for name in part["$ref"].split("/")[1:]:
            found = found[name]
        return resolve(document, found)
    return {name: resolve(document, value) for name, value in part.items()}


def operations_of(document):
    """(method, expression of the path, how many parameters it has, operation), literal paths first."""
    found = []
    for path, methods in document["paths"].items():
        expression = re.compile("/api" + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$")
        found += [(method.upper(), expression, path.count("{"), operation) for method, operation in methods.items()]
    return sorted(found, key=lambda operation: operation[2])


def check(document, operation, exchange):
    """Why this answer is not that of the operation; None if it is."""
    status = str(exchange["status"])
    response = operation["responses"].get(status)
    if response is None and status in BESIDE:
        response = document["components"]["responses"]["GenericError"]
    if response is None:
        return f"has no status {status}"
    if not response["content"]:
        return None if exchange["body"] == "" else f"has a body with {status}"
    if exchange["type"] not in response["content"]:
        return f"is {exchange['type']}"
    validator = jsonschema.Draft202012Validator(response["content"][exchange["type"]]["schema"], format_checker=formats)
    errors = [f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(json.loads(exchange["body"]))]
    return "; ".join(errors) or None


def main(openapi, exchanges):
    with open(openapi, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    document = resolve(document, document)
    close(document)
    operations = operations_of(document)
    missed = {operation["operationId"] for _, _, _, operation in operations}
    answers, wrong = 0, []
    with open(exchanges, encoding="utf-8") as file:
        for exchange in map(json.loads, file):
            path = exchange["path"].split("?")[0]
            operation = next((o for m, e, _, o in operations if m == exchange["method"] and e.match(path)), None)
            reason = check(document, operation, exchange) if operation else "is no operation"
            answers += 1
            if reason:
                wrong.append(f"{exchange['method']} {exchange['path']}: {exchange['status']} {reason}")
            elif exchange["status"] < 300:
                missed.discard(operation["operationId"])
    wrong += [f"{name}: never answered well" for name in sorted(missed)]
    print("\n".join(wrong) or f"{len(operations)} operations, {answers} answers, all as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
