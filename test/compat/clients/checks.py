"""What every client's checks share: each prints one line of JSON as it ends."""
import json
import os

URL = os.environ["TANDEM_URL"]
CHAT = os.environ["TANDEM_CHAT"]
EMBED = os.environ["TANDEM_EMBED"]
GROUNDED = f"{CHAT}@{os.environ['TANDEM_PROJECT']}"
QUESTION = "Where is the queue bounded?"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}},
    "required": ["city"],
    "additionalProperties": False,
}


def must(holds, what):
    if not holds:
        raise AssertionError(f"expected {what}")


def run(version, checks):
    print(json.dumps({"version": version}), flush=True)
    for route, check in checks.items():
        result = {"route": route}
        try:
            check()
        except Exception as thrown:  # whatever a client throws is the result
            result["problem"] = (str(thrown) or type(thrown).__name__).splitlines()[0][:300]
        print(json.dumps(result), flush=True)
