"""Sends one message with the program of GNU SASL: gsasl_send.py SETTINGS < MESSAGE

The settings are JSON: {"host", "port", "from", "to", "login"}, and `login` is {"ca", "certificate", "key", "mechanism",
"user", "secret"}. The program does STARTTLS and AUTH, and then passes on what it is told, a line at a time.

Prints the dialogue, and exits 0 if the server took the message, else 1.
"""

import json
import re
import subprocess
import sys

settings = json.loads(sys.argv[1])
login = settings["login"]
command = ["gsasl", "--smtp", f"--connect={settings['host']}:{settings['port']}"]
command += [f"--x509-ca-file={login['ca']}", f"--x509-cert-file={login['certificate']}", f"--x509-key-file={login['key']}"]
command += [f"--mechanism={login['mechanism']}", f"--authentication-id={login['user']}", f"--password={login['secret']}"]
command += [f"--anonymous-token={login['user']}"]
if login["mechanism"] in ("SCRAM-SHA-1", "SCRAM-SHA-256"):
    # These do not bind the channel, whatever TLS could give them.
    command += ["--no-cb"]
if login["mechanism"] == "EXTERNAL":
    command += [f"--authorization-id={login['user']}"]
# Otherwise it reads lines ahead and does not look at them before the next ones come.
program = subprocess.Popen(["stdbuf", "-i0", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def expect(code):
    """Reads until the last line of a reply with this code; the program says what was sent as well."""
    for line in program.stdout:
        sys.stdout.buffer.write(line)
        if line.startswith(code + b" "):
            return
        if re.match(rb"[45]\d\d ", line):
            break
    program.kill()
    sys.exit(1)


def say(octets, code):
    program.stdin.write(octets)
    program.stdin.flush()
    expect(code)


expect(b"235")
say(b"MAIL FROM:<%s>\r\n" % settings["from"].encode(), b"250")
for recipient in settings["to"]:
    say(b"RCPT TO:<%s>\r\n" % recipient.encode(), b"250")
say(b"DATA\r\n", b"354")
say(re.sub(rb"(?m)^\.", b"..", sys.stdin.buffer.read()) + b".\r\n", b"250")
program.kill()
