"""schemathesis on the OpenAPI file that the program itself serves: no 5xx, no answer outside the schema, every method
that is not described refused with 405.

Four runs: with made-up ids (what a stranger sends), with the ids of a customer and chat that exist (so that the code
behind the lookups runs), and with authentication on, with a dashboard's token and without one.
Left out, each with its reason:
- the method QUERY: the parser does not know it, and then 501 is the answer (RFC 9110, 9.1), which the suite counts as 5xx
- allow_header_conformance: Allow on /api/users/data rightly names GET, because GET /api/users/{ident} serves the customer
  called "data"; tests/e2e/test_openapi.py checks Allow on every route
- negative_data_rejection, positive_data_acceptance: which bodies are taken is the contract of clients in the field, laxer
  (numbers for texts) and stricter (an id or an e-mail) than a schema can say; tests/e2e has those rules row by row
"""
import os
import re
import subprocess
import sys
import tempfile

from support import TOOLS, installed

from harness.case import Chat
from harness.server import Server, binary

SCHEMATHESIS = "schemathesis==4.32.5"
EXAMPLES = os.environ.get("SAKURAD_EXAMPLES", "10")
# Pages know neither ids nor tokens: one run is enough for them.
PAGES = r"^/($|demo$|stats$|widget\.js$|client\.js$|assets/)"
NOT_JUDGED = "allow_header_conformance,positive_data_acceptance,negative_data_rejection"
# The store may be late on a busy machine, and then 503 is right: not what is examined here.
PATIENT = ("--write-timeout", "120000")
METHODS = '["GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "TRACE"]'


def config(ids):
    text = f"[phases.coverage]\nunexpected-methods = {METHODS}\n"
    if ids:
        text += "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in ids.items())
    return text


def examine(bin_dir, server, title, ids=None, token=None, pages=False):
    with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
        path = os.path.join(folder, "schemathesis.toml")
        with open(path, "w") as f:
            f.write(config(ids))
        command = [os.path.join(bin_dir, "schemathesis"), "--config-file", path, "run",
                   f"http://127.0.0.1:{server.ports[0]}/api/openapi.json", "--checks", "all", "--exclude-checks", NOT_JUDGED,
                   "--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", "1", "--no-color",
                   "--suppress-health-check", "all", "--request-timeout", "180"]
        if not pages:
            command += ["--exclude-path-regex", PAGES]
        if token:
            command += ["--header", f"Authorization: Bearer {token}"]
        done = subprocess.run(command, cwd=folder, timeout=2400, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    generated = [line.strip() for line in done.stdout.splitlines() if re.search(r"\d+ generated", line)]
    print(f"{title}: exit {done.returncode}; {'; '.join(generated)}", flush=True)
    if done.returncode != 0 or not generated:
        print("\n".join(line[:500] for line in done.stdout.splitlines()))
        return 1
    return 0


def open_server(bin_dir):
    server = Server(*PATIENT, patient=True).start()
    try:
        failed = examine(bin_dir, server, "made-up ids", pages=True)
        chat = Chat(server.http)
        chat.send("hello")
        failed += examine(bin_dir, server, "ids that exist", {"chat_id": chat.id, "ident": chat.user_id})
        server.stop()
    finally:
        server.discard()
    return failed


def guarded_server(bin_dir):
    with tempfile.TemporaryDirectory(dir=TOOLS) as folder:
        key = os.path.join(folder, "key")
        with open(key, "wb") as f:
            f.write(os.urandom(48).hex().encode())
        os.chmod(key, 0o600)
        token = subprocess.run([binary(), "--auth-key", key, "--issue-token", "dashboard"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout.strip()
        server = Server("--auth-key", key, *PATIENT, patient=True).start()
        try:
            failed = examine(bin_dir, server, "with a dashboard's token", token=token)
            failed += examine(bin_dir, server, "without a token")
            server.stop()
        finally:
            server.discard()
    return failed


def main():
    bin_dir = installed("schemathesis", SCHEMATHESIS)
    failed = open_server(bin_dir) + guarded_server(bin_dir)
    return 1 if failed else 0


sys.exit(main())
